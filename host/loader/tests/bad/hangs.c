/* Never comes back from a call. */
#define ID "org.example.bad.hangs"
#include "one_scheduler.h"
#include <unistd.h>

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    for (;;) pause();
    return EXSTREAMTV_FAILED;
}
