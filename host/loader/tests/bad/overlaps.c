/* Answers with a well-formed plan that cannot go on air. */
#define ID "org.example.bad.overlaps"
#include "one_scheduler.h"

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    if (!is(method, EXSTREAMTV_METHOD_PLAN)) return say(out, EXSTREAMTV_UNKNOWN_METHOD, "I only plan");
    return say(out, EXSTREAMTV_OK, "{\"entries\": [{\"item\": null, \"start_ms\": 5, \"stop_ms\": 1}]}");
}
