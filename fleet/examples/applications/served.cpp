// An application in served mode: it asks the runner on its device over the Open Inference Protocol v2 (REST, JSON).
//
//   g++ -std=c++17 -O2 -o served served.cpp
//   served /run/edgefleet/infer.sock fashion input 1,1,28,28 [COUNT]
//
// It sends zeros of the given shape to the input of that name and prints what comes back. POSIX sockets are all it needs.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>

// One request on a connection of its own: read until the runner closes it, and nothing has to be parsed but the head.
static std::string post(const std::string& path, const std::string& target, const std::string& body) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (fd < 0 || path.size() >= sizeof address.sun_path) throw std::runtime_error("no socket for " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error(path + ": " + std::strerror(errno));

  const std::string request = "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body;
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t n = send(fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) throw std::runtime_error(std::string("send: ") + std::strerror(errno));
    sent += static_cast<size_t>(n);
  }
  std::string answer;
  char buffer[16384];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) answer.append(buffer, static_cast<size_t>(n));
  close(fd);
  const size_t head = answer.find("\r\n\r\n");
  if (head == std::string::npos) throw std::runtime_error("the runner closed the connection");
  const std::string content = answer.substr(head + 4);
  if (answer.compare(0, 12, "HTTP/1.1 200") != 0) throw std::runtime_error(answer.substr(0, answer.find("\r\n")) + ": " + content);
  return content;
}

int main(int count, char** arguments) {
  if (count < 5) {
    std::fprintf(stderr, "usage: served SOCKET MODEL INPUT SHAPE [COUNT]\n");
    return 2;
  }
  long values = 1;
  std::stringstream shape(arguments[4]);
  for (std::string size; std::getline(shape, size, ',');) values *= std::atol(size.c_str());
  std::string data = "0";
  for (long i = 1; i < values; i++) data += ",0";
  const std::string body = std::string("{\"inputs\":[{\"name\":\"") + arguments[3] + "\",\"datatype\":\"FP32\",\"shape\":[" + arguments[4] + "],\"data\":[" + data + "]}]}";
  try {
    for (long i = count > 5 ? std::atol(arguments[5]) : 1; i > 0; i--) {
      std::printf("%s\n", post(arguments[1], std::string("/v2/models/") + arguments[2] + "/infer", body).c_str());
    }
    return 0;
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "%s\n", fault.what());
    return 3;
  }
}
