/* Has a name that is no text. */
#define ID "org.example.bad.invalid-utf8"
#define NAME_BYTES "caf\xe9"
#include "one_scheduler.h"

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    return EXSTREAMTV_FAILED;
}
