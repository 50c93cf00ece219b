/* Has a bug and notices, as the SDK does for Rust plugins that panic. */
#define ID "org.example.bad.panics"
#include "one_scheduler.h"

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    return say(out, EXSTREAMTV_PANIC, "index out of bounds:\nthe len is 0");
}
