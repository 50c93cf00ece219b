/* Says that it made an instance, and did not. */
#define ID "org.example.bad.no-instance"
#define CREATE makes_nothing
#include "exstreamtv_plugin.h"

static exstreamtv_status makes_nothing(const exstreamtv_host *host, exstreamtv_slice id, exstreamtv_slice config, const exstreamtv_sink *error,
                                       exstreamtv_instance **instance) {
    (void)host, (void)id, (void)config, (void)error;
    *instance = NULL;
    return EXSTREAMTV_OK;
}

#include "one_scheduler.h"

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    return EXSTREAMTV_FAILED;
}
