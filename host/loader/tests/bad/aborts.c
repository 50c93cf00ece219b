/* Ends the process in the middle of a call, as an uncaught panic does. */
#define ID "org.example.bad.aborts"
#include "one_scheduler.h"
#include <stdlib.h>

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    abort();
}
