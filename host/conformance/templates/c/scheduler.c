/*
 * @TITLE@: a scheduler for EXStreamTV. As it stands it plays the pool "main" in its order, for ever.
 *
 * The rules are in exstreamtv_plugin.h; the documents of `plan` are PlanRequest and PlanAnswer. What you want to change is lay().
 * Large pools come in part: the first 2,000 items stand in the request, the rest is read with the host's query `pool_page`.
 */
#include "json.h"

#define MAX_ENTRIES 200000

typedef struct {
    int64_t id, duration_ms;
} item;

typedef struct {
    int64_t start_ms, stop_ms;
    int64_t last; /* The item that was on air last; 0 if there was none. */
    item *items;
    size_t len, room;
} request;

/* ---- Reading the request. Members that are not known are skipped: a newer host may send more. ---- */

/* Ids are numbers in texts. */
static int64_t read_id(json_reader *r) {
    exstreamtv_slice text = json_text(r);
    json_reader digits = {text.data, text.data + text.len, r->ok};
    int64_t id = json_integer(&digits);
    if (!digits.ok || digits.at != digits.end) r->ok = 0;
    return id;
}

static void read_item(json_reader *r, request *q) {
    exstreamtv_slice name;
    item one = {0, 0};
    int n = 0;
    while (json_member(r, &name, &n)) {
        if (json_is(name, "id")) one.id = read_id(r);
        else if (json_is(name, "duration_ms")) one.duration_ms = json_integer(r);
        else json_skip(r, 0);
    }
    if (one.duration_ms < 1) r->ok = 0;
    if (r->ok && q->len == q->room) {
        item *more = (item *)realloc(q->items, (q->room * 2 + 64) * sizeof(item));
        if (more == NULL) r->ok = 0;
        else q->items = more, q->room = q->room * 2 + 64;
    }
    if (r->ok) q->items[q->len++] = one;
}

static void read_pool(json_reader *r, request *q) {
    exstreamtv_slice name, key = {"", 0};
    json_reader items = {NULL, NULL, 0};
    int n = 0;
    while (json_member(r, &name, &n)) {
        if (json_is(name, "key")) key = json_text(r);
        else if (json_is(name, "items")) items = *r, json_skip(r, 0);
        else json_skip(r, 0);
    }
    if (!r->ok || !json_is(key, "main")) return;
    for (n = 0; json_next(&items, '[', ']', &n);) read_item(&items, q);
    r->ok = items.ok;
}

static void read_window(json_reader *r, request *q) {
    exstreamtv_slice name;
    int n = 0;
    while (json_member(r, &name, &n)) {
        if (json_is(name, "start_ms")) q->start_ms = json_integer(r);
        else if (json_is(name, "stop_ms")) q->stop_ms = json_integer(r);
        else json_skip(r, 0);
    }
}

/* Reads the state that we gave with the last answer. One that cannot be read is no mistake: we start over. */
static void read_state(json_reader *r, request *q) {
    json_reader state = *r;
    exstreamtv_slice name;
    int n = 0;
    int64_t last = 0;
    json_skip(r, 0);
    while (json_member(&state, &name, &n)) {
        if (json_is(name, "last")) last = read_id(&state);
        else json_skip(&state, 0);
    }
    if (state.ok) q->last = last;
}

/* After an edit, this was on air since the state was given. */
static void read_aired(json_reader *r, int64_t *last) {
    exstreamtv_slice name;
    int n = 0;
    while (json_member(r, &name, &n)) {
        if (json_is(name, "item") && json_peek(r) == '"') *last = read_id(r);
        else json_skip(r, 0);
    }
}

static int read_request(exstreamtv_slice input, request *q) {
    json_reader r = {input.data, input.len == 0 ? input.data : input.data + input.len, 1};
    exstreamtv_slice name;
    int64_t aired = 0;
    int n = 0, m;
    while (json_member(&r, &name, &n)) {
        m = 0;
        if (json_is(name, "window")) read_window(&r, q);
        else if (json_is(name, "state")) read_state(&r, q);
        else if (json_is(name, "pools")) while (json_next(&r, '[', ']', &m)) read_pool(&r, q);
        else if (json_is(name, "aired")) while (json_next(&r, '[', ']', &m)) read_aired(&r, &aired);
        else json_skip(&r, 0);
    }
    if (aired != 0) q->last = aired;
    return r.ok && json_peek(&r) == -1 && q->start_ms < q->stop_ms;
}

/* ---- Deciding. ---- */

/* Returns the place of the item behind the one that was on air last; the first one if that is gone. */
static size_t next_place(const request *q) {
    for (size_t place = 0; place < q->len; place++) {
        if (q->items[place].id == q->last) return (place + 1) % q->len;
    }
    return 0;
}

static void lay(const request *q, json_buffer *b) {
    int64_t at_ms = q->start_ms, last = q->last, left = MAX_ENTRIES;
    size_t place = next_place(q);
    json_print(b, "{\"entries\":[");
    if (q->len == 0) {
        json_print(b, "{\"item\":null,\"start_ms\":%lld,\"stop_ms\":%lld,\"kind\":\"slate\",\"why\":\"nothing to play\"}",
                   (long long)q->start_ms, (long long)q->stop_ms);
    }
    while (q->len != 0 && at_ms < q->stop_ms && b->ok) {
        item one = q->items[place];
        if (left-- == 0 || one.duration_ms > INT64_MAX - at_ms) {
            b->ok = 0;
            return;
        }
        json_print(b, "%s{\"item\":\"%lld\",\"start_ms\":%lld,\"stop_ms\":%lld,\"in_point_ms\":0,"
                   "\"kind\":\"programme\",\"why\":\"in order\"}",
                   at_ms == q->start_ms ? "" : ",", (long long)one.id, (long long)at_ms, (long long)(at_ms + one.duration_ms));
        at_ms += one.duration_ms;
        last = one.id;
        place = (place + 1) % q->len;
    }
    json_print(b, "],\"state\":{\"last\":\"%lld\"},\"notes\":[]}", (long long)last);
}

/* ---- Answering. ---- */

static exstreamtv_status say(const exstreamtv_sink *out, exstreamtv_status status, const char *why) {
    exstreamtv_slice bytes = {why, strlen(why)};
    return out->append(out->context, bytes) == EXSTREAMTV_OK ? status : EXSTREAMTV_SINK_REFUSED;
}

static exstreamtv_status plan(exstreamtv_slice input, const exstreamtv_sink *out) {
    request q = {0, 0, 0, NULL, 0, 0};
    json_buffer answer = {NULL, 0, 0, 1};
    exstreamtv_status status;
    if (!read_request(input, &q)) {
        status = say(out, EXSTREAMTV_BAD_INPUT, "read the request: it is no PlanRequest with a window and items that last");
    } else {
        lay(&q, &answer);
        exstreamtv_slice bytes = {answer.bytes, answer.len};
        if (!answer.ok) status = say(out, EXSTREAMTV_FAILED, "fill the window: its items are too short, or memory is");
        else status = out->append(out->context, bytes) == EXSTREAMTV_OK ? EXSTREAMTV_OK : EXSTREAMTV_SINK_REFUSED;
    }
    free(answer.bytes);
    free(q.items);
    return status;
}

static exstreamtv_status answer(exstreamtv_slice method, exstreamtv_slice input, const exstreamtv_sink *out) {
    if (json_is(method, EXSTREAMTV_METHOD_PLAN)) return plan(input, out);
    return say(out, EXSTREAMTV_UNKNOWN_METHOD, "find the method: there is `plan` alone");
}

