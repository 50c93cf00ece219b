/* Puts the request to the host, as a question of the method's name, and answers what the host answers. Not bad. */
#define ID "org.example.bad.asks"
#include "one_scheduler.h"

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    exstreamtv_slice line = EXSTREAMTV_TEXT("asking");
    the_host->log(the_host->context, EXSTREAMTV_LOG_WARN, line);
    return the_host->query(the_host->context, method, input, out);
}
