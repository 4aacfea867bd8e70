// Prints what the kernel's own header makes of the GPIO requests that EdgeFleet sends: numbers first, then structs in hex.
#include <linux/gpio.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void print(const void *what, size_t size) {
    for (size_t i = 0; i < size; i++) printf("%02x", ((const unsigned char *)what)[i]);
    printf("\n");
}

int main(void) {
    printf("%lx %lx %lx\n", (unsigned long)GPIO_V2_GET_LINE_IOCTL, (unsigned long)GPIO_V2_LINE_GET_VALUES_IOCTL,
           (unsigned long)GPIO_V2_LINE_SET_VALUES_IOCTL);
    printf("%zu %zu %zu %zu\n", sizeof(struct gpio_v2_line_request), sizeof(struct gpio_v2_line_values),
           sizeof(struct gpio_v2_line_event), offsetof(struct gpio_v2_line_request, fd));

    struct gpio_v2_line_request output;
    memset(&output, 0, sizeof output);
    output.offsets[0] = 17;
    strcpy(output.consumer, "edgefleet");
    output.config.flags = GPIO_V2_LINE_FLAG_OUTPUT;
    output.config.num_attrs = 1;
    output.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
    output.config.attrs[0].attr.values = 1;
    output.config.attrs[0].mask = 1;
    output.num_lines = 1;
    print(&output, sizeof output);

    struct gpio_v2_line_request button;
    memset(&button, 0, sizeof button);
    button.offsets[0] = 3;
    strcpy(button.consumer, "edgefleet rollback button 12345");
    button.config.flags =
        GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING | GPIO_V2_LINE_FLAG_BIAS_PULL_UP;
    button.config.num_attrs = 1;
    button.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
    button.config.attrs[0].attr.debounce_period_us = 20000;
    button.config.attrs[0].mask = 1;
    button.num_lines = 1;
    print(&button, sizeof button);

    struct gpio_v2_line_values values = {.bits = 1, .mask = 1};
    print(&values, sizeof values);
    values.bits = 0;
    print(&values, sizeof values);

    struct gpio_v2_line_event event;
    memset(&event, 0, sizeof event);
    event.timestamp_ns = 1234567890123ULL;
    event.id = GPIO_V2_LINE_EVENT_FALLING_EDGE;
    event.offset = 3;
    event.seqno = 8;
    event.line_seqno = 8;
    print(&event, sizeof event);
    event.id = GPIO_V2_LINE_EVENT_RISING_EDGE;
    print(&event, sizeof event);
    return 0;
}
