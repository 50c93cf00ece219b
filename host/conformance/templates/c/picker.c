/*
 * @TITLE@: a picker for EXStreamTV. As it stands it picks the sound that the file marks as its default, else the first one.
 *
 * The rules are in exstreamtv_plugin.h; the documents of `pick_audio` are AudioRequest and AudioAnswer. What you want to change is choose().
 * Subtitles are `pick_subtitle`; a picker may know only one of its methods.
 */
#include "json.h"

#define MAX_STREAMS 4096

typedef struct {
    int64_t absolute, relative;
    int is_default;
} stream;

typedef struct {
    stream streams[MAX_STREAMS];
    size_t len;
    int64_t output_channels;
    int has_streams;
} request;

/* ---- Reading the request. Members that are not known are skipped: a newer host may send more. ---- */

static int read_flag(json_reader *r) {
    if (json_word(r, "true")) return 1;
    if (!json_word(r, "false")) r->ok = 0;
    return 0;
}

static void read_disposition(json_reader *r, stream *one) {
    exstreamtv_slice name;
    int n = 0;
    while (json_member(r, &name, &n)) {
        if (json_is(name, "default")) one->is_default = read_flag(r);
        else json_skip(r, 0);
    }
}

static void read_stream(json_reader *r, request *q) {
    exstreamtv_slice name;
    stream one = {-1, -1, 0};
    int n = 0;
    while (json_member(r, &name, &n)) {
        if (json_is(name, "absolute")) one.absolute = json_integer(r);
        else if (json_is(name, "relative")) one.relative = json_integer(r);
        else if (json_is(name, "disposition")) read_disposition(r, &one);
        else json_skip(r, 0);
    }
    if (one.absolute < 0 || one.relative < 0 || q->len == MAX_STREAMS) r->ok = 0;
    if (r->ok) q->streams[q->len++] = one;
}

static int read_request(exstreamtv_slice input, request *q) {
    json_reader r = {input.data, input.len == 0 ? input.data : input.data + input.len, 1};
    exstreamtv_slice name;
    int n = 0, m;
    while (json_member(&r, &name, &n)) {
        m = 0;
        if (json_is(name, "output_channels")) q->output_channels = json_integer(&r);
        else if (json_is(name, "streams")) for (q->has_streams = 1; json_next(&r, '[', ']', &m);) read_stream(&r, q);
        else json_skip(&r, 0);
    }
    return r.ok && json_peek(&r) == -1 && q->has_streams && q->output_channels > 0;
}

/* ---- Deciding. ---- */

/* Returns the place of the chosen stream; there must be one. */
static size_t choose(const request *q) {
    for (size_t place = 0; place < q->len; place++) {
        if (q->streams[place].is_default) return place;
    }
    return 0;
}

static void print_ranked(json_buffer *b, const char *comma, stream one, int chosen, const char *reason) {
    json_print(b, "%s{\"stream\":{\"absolute\":%lld,\"relative\":%lld},\"chosen\":%s,\"reason\":\"%s\"}", comma,
               (long long)one.absolute, (long long)one.relative, chosen ? "true" : "false", reason);
}

static void print_answer(const request *q, json_buffer *b) {
    if (q->len == 0) {
        json_print(b, "{\"chosen\":null,\"why\":\"there is no sound\",\"ranked\":[]}");
        return;
    }
    size_t chosen = choose(q);
    const char *why = q->streams[chosen].is_default ? "the file's default" : "the first one";
    json_print(b, "{\"chosen\":{\"absolute\":%lld,\"relative\":%lld},\"why\":\"%s\",\"ranked\":[",
               (long long)q->streams[chosen].absolute, (long long)q->streams[chosen].relative, why);
    print_ranked(b, "", q->streams[chosen], 1, why);
    for (size_t place = 0; place < q->len; place++) {
        if (place != chosen) print_ranked(b, ",", q->streams[place], 0, "another one comes first");
    }
    json_print(b, "]}");
}

/* ---- Answering. ---- */

static exstreamtv_status say(const exstreamtv_sink *out, exstreamtv_status status, const char *why) {
    exstreamtv_slice bytes = {why, strlen(why)};
    return out->append(out->context, bytes) == EXSTREAMTV_OK ? status : EXSTREAMTV_SINK_REFUSED;
}

static exstreamtv_status pick_audio(exstreamtv_slice input, const exstreamtv_sink *out) {
    request *q = (request *)calloc(1, sizeof *q);
    json_buffer answer = {NULL, 0, 0, 1};
    exstreamtv_status status;
    if (q == NULL || !read_request(input, q)) {
        status = say(out, EXSTREAMTV_BAD_INPUT, "read the request: it is no AudioRequest with streams and output_channels");
    } else {
        print_answer(q, &answer);
        exstreamtv_slice bytes = {answer.bytes, answer.len};
        if (!answer.ok) status = say(out, EXSTREAMTV_FAILED, "rank the streams: there is no memory");
        else status = out->append(out->context, bytes) == EXSTREAMTV_OK ? EXSTREAMTV_OK : EXSTREAMTV_SINK_REFUSED;
    }
    free(answer.bytes);
    free(q);
    return status;
}

static exstreamtv_status answer(exstreamtv_slice method, exstreamtv_slice input, const exstreamtv_sink *out) {
    if (json_is(method, EXSTREAMTV_METHOD_PICK_AUDIO)) return pick_audio(input, out);
    return say(out, EXSTREAMTV_UNKNOWN_METHOD, "find the method: there is `pick_audio` alone");
}

