/* Answers with 100 MB, and does not care whether anybody takes them. */
#define ID "org.example.bad.huge"
#include "one_scheduler.h"

static char megabyte[1000 * 1000];

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    exstreamtv_slice bytes = { megabyte, sizeof megabyte };
    memset(megabyte, ' ', sizeof megabyte);
    for (int i = 0; i < 100; i++) (void)out->append(out->context, bytes);
    return EXSTREAMTV_OK;
}
