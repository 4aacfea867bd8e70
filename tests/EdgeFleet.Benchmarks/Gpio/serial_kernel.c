// The first and only program of a virtual arm64 machine: does the system calls that come over the serial line, one a line, and
// answers what the kernel answered. It knows nothing of GPIO: the bytes of every request come from outside.
//   open PATH | ioctl FD NUMBER BYTES | read FD COUNT | wait FD MILLISECONDS | dup FD | close FD | off
// Answers: "= NUMBER [BYTES]", or "! ERRNO". Numbers of requests and bytes are hexadecimal.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

static unsigned char bytes[2048];

static size_t from_hex(const char *text) {
    size_t count = 0;
    for (; text[0] && text[1] && count < sizeof bytes; text += 2) {
        char pair[3] = {text[0], text[1], 0};
        bytes[count++] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return count;
}

static void answer(long result, size_t count) {
    if (result < 0) {
        printf("! %d\n", errno);
        return;
    }
    printf("= %ld ", result);
    for (size_t i = 0; i < count; i++) printf("%02x", bytes[i]);
    printf("\n");
}

int main(void) {
    static char line[8192], text[4096];
    struct termios terminal;
    if (tcgetattr(0, &terminal) == 0) {
        terminal.c_lflag &= ~(tcflag_t)ECHO;
        terminal.c_oflag &= ~(tcflag_t)OPOST;
        tcsetattr(0, TCSANOW, &terminal);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) != 0) printf("! devtmpfs %d\n", errno);
    struct utsname name;
    uname(&name);
    printf("ready %s %s\n", name.release, name.machine);
    while (fgets(line, sizeof line, stdin)) {
        unsigned long request;
        int descriptor, number;
        if (sscanf(line, "open %4095s", text) == 1) {
            answer(open(text, O_RDWR | O_CLOEXEC), 0);
        } else if (sscanf(line, "ioctl %d %lx %4095s", &descriptor, &request, text) == 3) {
            size_t count = from_hex(text);
            answer(ioctl(descriptor, request, bytes), count);
        } else if (sscanf(line, "read %d %d", &descriptor, &number) == 2) {
            ssize_t got = read(descriptor, bytes, (size_t)number < sizeof bytes ? (size_t)number : sizeof bytes);
            answer(got, got > 0 ? (size_t)got : 0);
        } else if (sscanf(line, "wait %d %d", &descriptor, &number) == 2) {
            struct pollfd one = {.fd = descriptor, .events = POLLIN};
            answer(poll(&one, 1, number), 0);
        } else if (sscanf(line, "dup %d", &descriptor) == 1) {
            answer(dup(descriptor), 0);
        } else if (sscanf(line, "close %d", &descriptor) == 1) {
            answer(close(descriptor), 0);
        } else if (strncmp(line, "off", 3) == 0) {
            reboot(RB_POWER_OFF);
        } else {
            printf("! %d\n", EINVAL);
        }
    }
    return 0;
}
