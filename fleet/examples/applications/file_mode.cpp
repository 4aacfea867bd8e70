// An application in file mode: it loads the model's files itself, and tells the agent how it does.
//
//   g++ -std=c++17 -O2 -o file_mode file_mode.cpp
//   file_mode MODEL STATE-FOLDER RUN-FOLDER
//
// The same hook as for file_mode.py: reload.sh with RUN-FOLDER/pid and RUN-FOLDER/loaded. What is EdgeFleet's business in it: which
// folder it loads (resolve), what it does at SIGHUP (reload), and one line of JSON a second (tell). Model is where your engine goes
// (Ort::Session, nvinfer1::ICudaEngine, a DeepStream pipeline): this one only reads the file, so that it builds everywhere.
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

static volatile std::sig_atomic_t reload_asked = 0, end_asked = 0;

class Model {
 public:
  explicit Model(const fs::path& folder) {
    for (const auto& file : fs::directory_iterator(folder)) {
      if (file.path().extension() == ".onnx") {
        std::ifstream in(file.path(), std::ios::binary);
        content_.assign(std::istreambuf_iterator<char>(in), {});
      }
    }
    if (content_.empty()) throw std::runtime_error("no model in " + folder.string());
  }
  // What came out of one input, in whatever unit you count: here one value.
  long infer() { return checksum_ += static_cast<unsigned char>(content_[next_++ % content_.size()]), 1; }

 private:
  std::string content_;
  size_t next_ = 0;
  unsigned long checksum_ = 0;
};

struct Counts {
  long requests = 0, errors = 0, outputs = 0;
  std::vector<double> micros;
};

// The folder that is active now: …/artifacts/<digest>/files. Resolved once, so that a swap in between cannot mix two models.
static fs::path resolve(const fs::path& state, const std::string& model) { return fs::canonical(state / "models" / model / "current"); }

static std::string digest_of(const fs::path& folder) { return "sha256:" + folder.parent_path().filename().string(); }

static void write_file(const fs::path& path, const std::string& text) {
  const fs::path beside = path.string() + ".new";
  std::ofstream(beside) << text;
  fs::rename(beside, path);
}

// One line and its answer; the agent may be away, and then the totals of the next line hold everything.
class Health {
 public:
  Health(fs::path path, std::string model) : path_(std::move(path)), model_(std::move(model)) {
    instance_ = std::to_string(getpid()) + "-" + std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  }
  void tell(const std::string& digest, const Counts& counts) {
    std::vector<double> sorted = counts.micros;
    std::sort(sorted.begin(), sorted.end());
    const double p50 = sorted.empty() ? 0 : sorted[sorted.size() / 2], p95 = sorted.empty() ? 0 : sorted[sorted.size() * 95 / 100];
    char line[1024];
    std::snprintf(line, sizeof line,
                  "{\"model\":\"%s\",\"digest\":\"%s\",\"instance\":\"%s\",\"requests\":%ld,\"errors\":%ld,\"outputs\":%ld,\"latencyMicros\":{\"p50\":%.3f,\"p95\":%.3f}}\n",
                  model_.c_str(), digest.c_str(), instance_.c_str(), counts.requests, counts.errors, counts.outputs, p50, p95);
    if (!exchange(line)) {
      std::fprintf(stderr, "the agent is away: %s\n", std::strerror(errno));
      if (fd_ >= 0) close(fd_);
      fd_ = -1;
    }
  }

 private:
  bool exchange(const char* line) {
    if (fd_ < 0) {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      const std::string path = path_.string();
      if (path.size() >= sizeof address.sun_path) return false;
      std::memcpy(address.sun_path, path.c_str(), path.size());
      fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const timeval limit{2, 0};
      setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
    }
    const size_t length = std::strlen(line);
    if (send(fd_, line, length, MSG_NOSIGNAL) != static_cast<ssize_t>(length)) return false;
    std::string answer;
    for (char c; read(fd_, &c, 1) == 1;) {
      if (c == '\n') {
        if (answer.find("\"ok\":true") == std::string::npos) std::fprintf(stderr, "the agent says: %s\n", answer.c_str());
        return true;
      }
      answer += c;
    }
    return false;
  }
  fs::path path_;
  std::string model_, instance_;
  int fd_ = -1;
};

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "usage: file_mode MODEL STATE-FOLDER RUN-FOLDER\n");
    return 2;
  }
  const std::string name = arguments[1];
  const fs::path state = arguments[2], run = arguments[3];
  std::signal(SIGHUP, [](int) { reload_asked = 1; });
  std::signal(SIGTERM, [](int) { end_asked = 1; });
  Health health(state / "file-mode" / "health.sock", name);
  std::unique_ptr<Model> model;
  std::string digest;
  Counts counts;

  // The new model, or the old one where the new one does not load: the hook reads which, and its exit code says so.
  const auto reload = [&] {
    try {
      const fs::path folder = resolve(state, name);
      auto next = std::make_unique<Model>(folder);
      model = std::move(next);
      digest = digest_of(folder);
      counts = {};
      write_file(run / "loaded", digest);
    } catch (const std::exception& fault) {
      write_file(run / "loaded", std::string("not loaded: ") + fault.what());
    }
  };
  reload();
  if (!model) {
    std::fprintf(stderr, "there is nothing to load\n");
    return 3;
  }
  write_file(run / "pid", std::to_string(getpid()));
  Clock::time_point told{};
  while (!end_asked) {
    if (reload_asked) {
      reload_asked = 0;
      reload();
      told = {};
    }
    const auto began = Clock::now();
    counts.requests++;
    try {
      counts.outputs += model->infer();
    } catch (const std::exception& fault) {
      std::fprintf(stderr, "inference failed: %s\n", fault.what());
      counts.errors++;
    }
    counts.micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - began).count());
    if (counts.micros.size() > 1000) counts.micros.erase(counts.micros.begin());
    if (Clock::now() - told >= std::chrono::seconds(1)) {
      health.tell(digest, counts);
      told = Clock::now();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  fs::remove(run / "pid");
  return 0;
}
