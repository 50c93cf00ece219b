/* Was built with a later minor version's header and works with older hosts. Not bad. */
#define ID "org.example.bad.built-later"
#define MINOR 9
#include "one_scheduler.h"

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    return say(out, EXSTREAMTV_OK, "{}");
}
