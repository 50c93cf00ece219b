/* Says that it succeeded, and answers with what is no document. */
#define ID "org.example.bad.nonsense"
#include "one_scheduler.h"

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    return say(out, EXSTREAMTV_OK, "{\"entries\": [\xff\xfe, and so on");
}
