/* Exports the right name, and is something else. */
#define ID "org.example.bad.wrong-magic"
#define MAGIC 0x12345678u
#include "one_scheduler.h"

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    return EXSTREAMTV_FAILED;
}
