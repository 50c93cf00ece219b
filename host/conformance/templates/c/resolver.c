/*
 * @TITLE@: a resolver for EXStreamTV. As it stands it proposes a restart where one may be done, and else calls a person.
 *
 * The rules are in exstreamtv_plugin.h; the documents of `propose` are ProposeRequest and ProposeAnswer. What you want to change is decide().
 */
#include "json.h"

typedef struct {
    int may_restart;       /* Among the actions that can be done now. */
    int takes_low_risk;    /* Whether the limit allows it. */
    int64_t max_proposals; /* How many are read. */
    int has_incident, has_limits, has_time;
} request;

/* ---- Reading the request. Members that are not known are skipped: a newer host may send more. ---- */

static void read_limits(json_reader *r, request *q) {
    exstreamtv_slice name;
    int n = 0, m = 0;
    q->has_limits = 1;
    while (json_member(r, &name, &n)) {
        if (json_is(name, "max_proposals")) q->max_proposals = json_integer(r);
        else if (json_is(name, "max_risk")) q->takes_low_risk = !json_is(json_text(r), "SAFE");
        else if (json_is(name, "actions")) while (json_next(r, '[', ']', &m)) q->may_restart |= json_is(json_text(r), "RESTART");
        else json_skip(r, 0);
    }
}

static int read_request(exstreamtv_slice input, request *q) {
    json_reader r = {input.data, input.len == 0 ? input.data : input.data + input.len, 1};
    exstreamtv_slice name;
    int n = 0;
    while (json_member(&r, &name, &n)) {
        if (json_is(name, "limits")) read_limits(&r, q);
        else if (json_is(name, "incident")) q->has_incident = json_peek(&r) == '{', json_skip(&r, 0);
        else if (json_is(name, "now_ms")) q->has_time = 1, (void)json_integer(&r);
        else json_skip(&r, 0);
    }
    return r.ok && json_peek(&r) == -1 && q->has_incident && q->has_limits && q->has_time;
}

/* ---- Deciding. ---- */

/* Returns the answer, a ProposeAnswer. */
static const char *decide(const request *q) {
    if (q->may_restart && q->takes_low_risk && q->max_proposals > 0) {
        return "{\"proposals\":[{\"action\":\"RESTART\",\"risk\":\"LOW\",\"confidence\":0.5,\"why\":\"a restart often helps\"}],\"notes\":[]}";
    }
    return "{\"proposals\":[],\"notes\":[\"a restart is not on offer, so a person should look\"]}";
}

/* ---- Answering. ---- */

static exstreamtv_status say(const exstreamtv_sink *out, exstreamtv_status status, const char *why) {
    exstreamtv_slice bytes = {why, strlen(why)};
    return out->append(out->context, bytes) == EXSTREAMTV_OK ? status : EXSTREAMTV_SINK_REFUSED;
}

static exstreamtv_status answer(exstreamtv_slice method, exstreamtv_slice input, const exstreamtv_sink *out) {
    request q = {0, 0, 0, 0, 0, 0};
    if (!json_is(method, EXSTREAMTV_METHOD_PROPOSE)) {
        return say(out, EXSTREAMTV_UNKNOWN_METHOD, "find the method: there is `propose` alone");
    }
    if (!read_request(input, &q)) {
        return say(out, EXSTREAMTV_BAD_INPUT, "read the request: it is no ProposeRequest with incident, limits and now_ms");
    }
    return say(out, EXSTREAMTV_OK, decide(&q));
}

