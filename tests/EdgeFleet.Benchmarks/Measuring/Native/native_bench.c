/*
 * What ONNX Runtime costs without us: the C API with the session settings, inputs and loop that EdgeFleet measures with.
 *
 *   native_bench LIBRARY MODEL SEED WARM_UP [DELAY_NANOS]
 *
 * Prints one line of JSON when the model is loaded and warm: {"answer":"…"} is a hash of its outputs. Then, for every number
 * N on standard input, runs N timed inferences and prints {"inferences":N,"p50Micros":…,"p90Micros":…,"p99Micros":…}.
 * Ends at the end of its input. A delay is added to each timed inference: the control that a comparison would see one.
 * Exit code 2: wrong usage; 3: something failed, and the last line of standard error says what.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "onnxruntime_c_api.h"

#define MOST_TENSORS 32
#define MOST_INFERENCES 1000000

static const OrtApi *api;

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("native_bench: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(3);
}

static void check(const char *what, OrtStatus *status) {
  if (status != NULL) {
    fail("%s: %s", what, api->GetErrorMessage(status));
  }
}

#define CHECK(call) check(#call, api->call)

static const OrtApi *open_library(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fail("%s", dlerror());
  }
  const OrtApiBase *(*get_base)(void) = (const OrtApiBase *(*)(void))dlsym(library, "OrtGetApiBase");
  if (get_base == NULL) {
    fail("'%s' is not ONNX Runtime: it has no OrtGetApiBase", path);
  }
  const OrtApi *found = get_base()->GetApi(ORT_API_VERSION);
  if (found == NULL) {
    fail("'%s' is ONNX Runtime %s, which has no API version %d", path, get_base()->GetVersionString(), ORT_API_VERSION);
  }
  return found;
}

static OrtSession *open_model(const char *path) {
  OrtEnv *env;
  OrtSessionOptions *options;
  OrtSession *session;
  CHECK(CreateEnv(ORT_LOGGING_LEVEL_ERROR, "native_bench", &env));
  CHECK(CreateSessionOptions(&options));
  CHECK(SetIntraOpNumThreads(options, 1));
  CHECK(SetInterOpNumThreads(options, 1));
  CHECK(SetSessionExecutionMode(options, ORT_SEQUENTIAL));
  CHECK(SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
  CHECK(EnableCpuMemArena(options));
  CHECK(AddSessionConfigEntry(options, "session.intra_op.allow_spinning", "0"));
  CHECK(AddSessionConfigEntry(options, "session.inter_op.allow_spinning", "0"));
  CHECK(CreateSession(env, path, options, &session));
  api->ReleaseSessionOptions(options);
  return session;
}

static size_t width_of(const char *name, ONNXTensorElementDataType type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8: return 1;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16: return 2;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32: return 4;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64: return 8;
    default: fail("tensor '%s' has elements of type %d, which this program does not know", name, (int)type); return 0;
  }
}

/* The buffer of a tensor, aligned as ONNX Runtime's own allocator does it, and zero. */
typedef struct {
  unsigned char *data;
  size_t elements, width;
  ONNXTensorElementDataType type;
  OrtValue *value;
} tensor;

static tensor make_tensor(const char *name, ONNXTensorElementDataType type, const int64_t *shape, size_t rank) {
  tensor made = {.elements = 1, .width = width_of(name, type), .type = type};
  for (size_t i = 0; i < rank; i++) {
    made.elements *= (size_t)shape[i];
  }
  size_t bytes = made.elements * made.width;
  made.data = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
  if (made.data == NULL) {
    fail("tensor '%s': no memory for %zu bytes", name, bytes);
  }
  memset(made.data, 0, bytes);
  OrtMemoryInfo *memory;
  CHECK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
  CHECK(CreateTensorWithDataAsOrtValue(memory, made.data, bytes, shape, rank, type, &made.value));
  return made;
}

/* Reals uniform in [0, 1) from SplitMix64, integers zero. */
static void fill(tensor *input, uint64_t state) {
  for (size_t i = 0; i < input->elements; i++) {
    state += 0x9E3779B97F4A7C15u;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    double value = (double)((z ^ (z >> 31)) >> 40) * (1.0 / (1 << 24));
    if (input->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
      ((float *)input->data)[i] = (float)value;
    } else if (input->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE) {
      ((double *)input->data)[i] = value;
    }
  }
}

static OrtIoBinding *bind(OrtSession *session, uint64_t seed, tensor *outputs, size_t *output_count) {
  OrtAllocator *allocator;
  OrtIoBinding *binding;
  size_t input_count;
  const char *input_names[MOST_TENSORS], *output_names[MOST_TENSORS];
  OrtValue *input_values[MOST_TENSORS], *probed[MOST_TENSORS] = {NULL};
  tensor inputs[MOST_TENSORS];
  CHECK(GetAllocatorWithDefaultOptions(&allocator));
  CHECK(CreateIoBinding(session, &binding));
  CHECK(SessionGetInputCount(session, &input_count));
  CHECK(SessionGetOutputCount(session, output_count));
  if (input_count > MOST_TENSORS || *output_count > MOST_TENSORS) {
    fail("the model has %zu inputs and %zu outputs; %d of each are the most", input_count, *output_count, MOST_TENSORS);
  }
  for (size_t i = 0; i < input_count; i++) {
    OrtTypeInfo *type_info;
    const OrtTensorTypeAndShapeInfo *tensor_info;
    ONNXTensorElementDataType type;
    int64_t shape[16];
    size_t rank;
    char *name;
    CHECK(SessionGetInputName(session, i, allocator, &name));
    CHECK(SessionGetInputTypeInfo(session, i, &type_info));
    CHECK(CastTypeInfoToTensorInfo(type_info, &tensor_info));
    if (tensor_info == NULL) {
      fail("input '%s' is not a tensor", name);
    }
    CHECK(GetTensorElementType(tensor_info, &type));
    CHECK(GetDimensionsCount(tensor_info, &rank));
    if (rank > 16) {
      fail("input '%s' has %zu dimensions", name, rank);
    }
    CHECK(GetDimensions(tensor_info, shape, rank));
    for (size_t d = 0; d < rank; d++) {
      shape[d] = shape[d] < 0 ? 1 : shape[d];
    }
    inputs[i] = make_tensor(name, type, shape, rank);
    input_names[i] = name;
    input_values[i] = inputs[i].value;
    CHECK(BindInput(binding, name, inputs[i].value));
    api->ReleaseTypeInfo(type_info);
  }
  /* The graph may leave an output's shape open: one run tells what it is for these inputs. */
  for (size_t i = 0; i < *output_count; i++) {
    CHECK(SessionGetOutputName(session, i, allocator, (char **)&output_names[i]));
  }
  CHECK(Run(session, NULL, input_names, (const OrtValue *const *)input_values, input_count, output_names, *output_count, probed));
  for (size_t i = 0; i < *output_count; i++) {
    OrtTensorTypeAndShapeInfo *info;
    ONNXTensorElementDataType type;
    int64_t shape[16];
    size_t rank;
    CHECK(GetTensorTypeAndShape(probed[i], &info));
    CHECK(GetTensorElementType(info, &type));
    CHECK(GetDimensionsCount(info, &rank));
    if (rank > 16) {
      fail("output '%s' has %zu dimensions", output_names[i], rank);
    }
    CHECK(GetDimensions(info, shape, rank));
    outputs[i] = make_tensor(output_names[i], type, shape, rank);
    CHECK(BindOutput(binding, output_names[i], outputs[i].value));
    api->ReleaseTensorTypeAndShapeInfo(info);
    api->ReleaseValue(probed[i]);
  }
  for (size_t i = 0; i < input_count; i++) {
    fill(&inputs[i], seed);
  }
  return binding;
}

static uint64_t hash_of(const tensor *outputs, size_t count) { /* FNV-1a */
  uint64_t hash = 0xCBF29CE484222325u;
  for (size_t i = 0; i < count; i++) {
    for (size_t b = 0; b < outputs[i].elements * outputs[i].width; b++) {
      hash = (hash ^ outputs[i].data[b]) * 0x100000001B3u;
    }
  }
  return hash;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int by_size(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

static double share_of(const int64_t *sorted, long count, double share) {
  return (double)sorted[(long)(share * (double)(count - 1))] / 1e3;
}

int main(int argc, char **argv) {
  if (argc != 5 && argc != 6) {
    fputs("usage: native_bench LIBRARY MODEL SEED WARM_UP [DELAY_NANOS]\n", stderr);
    return 2;
  }
  api = open_library(argv[1]);
  OrtSession *session = open_model(argv[2]);
  tensor outputs[MOST_TENSORS];
  size_t output_count;
  OrtIoBinding *binding = bind(session, strtoull(argv[3], NULL, 10), outputs, &output_count);
  OrtRunOptions *run_options;
  CHECK(CreateRunOptions(&run_options));
  for (long i = strtol(argv[4], NULL, 10); i >= 0; i--) {
    CHECK(RunWithBinding(session, run_options, binding));
  }
  printf("{\"answer\":\"%016llx\"}\n", (unsigned long long)hash_of(outputs, output_count));
  fflush(stdout);

  int64_t delay = argc == 6 ? strtoll(argv[5], NULL, 10) : 0;
  static int64_t nanos[MOST_INFERENCES];
  memset(nanos, 0, sizeof nanos); /* the pages are there before anything is timed */
  for (long count; scanf("%ld", &count) == 1;) {
    if (count < 1 || count > MOST_INFERENCES) {
      fail("%ld inferences; 1 to %d can be timed", count, MOST_INFERENCES);
    }
    int64_t start = now();
    for (long i = 0; i < count; i++) {
      OrtStatus *status = api->RunWithBinding(session, run_options, binding);
      if (status != NULL) {
        check("RunWithBinding", status);
      }
      int64_t end = now();
      for (int64_t until = end + delay; end < until;) {
        end = now();
      }
      nanos[i] = end - start;
      start = end;
    }
    qsort(nanos, (size_t)count, sizeof *nanos, by_size);
    printf("{\"inferences\":%ld,\"p50Micros\":%.3f,\"p90Micros\":%.3f,\"p99Micros\":%.3f}\n",
           count, share_of(nanos, count, 0.50), share_of(nanos, count, 0.90), share_of(nanos, count, 0.99));
    fflush(stdout);
  }
  return 0;
}
