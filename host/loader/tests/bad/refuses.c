/* Ends a call with the status that the request names: "status 3". Not bad; shows every way to end. */
#define ID "org.example.bad.refuses"
#include "one_scheduler.h"
#include <stdlib.h>

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    char number[16] = { 0 };
    memcpy(number, input.data, input.len < sizeof number ? input.len : sizeof number - 1);
    return say(out, (exstreamtv_status)atoi(number), "because I was told to");
}
