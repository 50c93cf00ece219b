/*
 * An example of a scheduler in C11: plays the pool "main" in its order, for ever.
 *
 * Does: read the request, page through large pools, lay one item behind the other, remember the place.
 * Does not: need a library; C11, exstreamtv_plugin.h and the small json.h beside this file are enough.
 * Invariant: nothing is kept between calls; an answer is complete before the first byte of it is given away.
 */
#include "json.h"

#define MAX_ENTRIES 200000
#define PAGE_ITEMS 2000

/* ---- The request. ---- */

typedef struct {
    char id[128]; /* As the request spells it, so that it can be given back as it is. */
    int64_t duration_ms;
} item;

typedef struct {
    int64_t start_ms, stop_ms, next, count;
    int64_t aired; /* How many items were on air since the state was given. */
    item *items;
    size_t len, room;
} request;

static void read_item(json_reader *r, request *q) {
    exstreamtv_slice name, id = {"", 0};
    int64_t duration_ms = 0;
    int n = 0;
    while (json_member(r, &name, &n)) {
        if (json_is(name, "id")) id = json_text(r);
        else if (json_is(name, "duration_ms")) duration_ms = json_integer(r);
        else json_skip(r, 0);
    }
    if (id.len == 0 || id.len >= sizeof(q->items->id) || duration_ms < 1) r->ok = 0;
    if (r->ok && q->len == q->room) {
        item *more = realloc(q->items, (q->room * 2 + 64) * sizeof(item));
        if (more == NULL) r->ok = 0;
        else q->items = more, q->room = q->room * 2 + 64;
    }
    if (!r->ok) return;
    memset(&q->items[q->len], 0, sizeof(item));
    memcpy(q->items[q->len].id, id.data, id.len);
    q->items[q->len++].duration_ms = duration_ms;
}

static void read_pool(json_reader *r, request *q) {
    exstreamtv_slice name, key = {"", 0};
    json_reader items = {NULL, NULL, 0};
    int64_t count = 0;
    int n = 0;
    while (json_member(r, &name, &n)) {
        if (json_is(name, "key")) key = json_text(r);
        else if (json_is(name, "count")) count = json_integer(r);
        else if (json_is(name, "items")) items = *r, json_skip(r, 0);
        else json_skip(r, 0);
    }
    if (!r->ok || !json_is(key, "main")) return;
    q->count = count;
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

/* Reads our own state; one that cannot be read starts over, and is no mistake of the request. */
static void read_state(json_reader *r, request *q) {
    json_reader state = *r;
    exstreamtv_slice name;
    int n = 0;
    json_skip(r, 0);
    while (json_member(&state, &name, &n)) {
        if (json_is(name, "next")) q->next = json_integer(&state);
        else json_skip(&state, 0);
    }
    if (!state.ok || q->next < 0) q->next = 0;
}

static void read_aired(json_reader *r, request *q) {
    exstreamtv_slice name;
    int n = 0;
    while (json_member(r, &name, &n)) {
        if (json_is(name, "item") && json_peek(r) == '"') q->aired++;
        json_skip(r, 0);
    }
}

static int read_request(exstreamtv_slice input, request *q) {
    json_reader r = {input.data, input.data == NULL ? NULL : input.data + input.len, 1};
    exstreamtv_slice name;
    int n = 0, m;
    while (json_member(&r, &name, &n)) {
        m = 0;
        if (json_is(name, "window")) read_window(&r, q);
        else if (json_is(name, "pools")) while (json_next(&r, '[', ']', &m)) read_pool(&r, q);
        else if (json_is(name, "aired")) while (json_next(&r, '[', ']', &m)) read_aired(&r, q);
        else if (json_is(name, "state")) read_state(&r, q);
        else json_skip(&r, 0);
    }
    return r.ok && json_peek(&r) == -1 && q->start_ms < q->stop_ms;
}

/* ---- The plan. ---- */

static exstreamtv_status collect(void *context, exstreamtv_slice bytes) {
    json_buffer *b = context;
    json_add(b, bytes.data, bytes.len);
    return b->ok ? EXSTREAMTV_OK : EXSTREAMTV_SINK_REFUSED;
}

static exstreamtv_status say(const exstreamtv_sink *out, exstreamtv_status status, const char *why) {
    exstreamtv_slice bytes = {why, strlen(why)};
    out->append(out->context, bytes);
    return status;
}

/* Reads what the host left out of the pool; a page that is empty or of no use ends it. */
static exstreamtv_status read_pages(const exstreamtv_host *host, request *q) {
    static const exstreamtv_slice method = EXSTREAMTV_TEXT(EXSTREAMTV_QUERY_POOL_PAGE);
    while ((int64_t)q->len < q->count) {
        json_buffer question = {NULL, 0, 0, 1}, page = {NULL, 0, 0, 1};
        exstreamtv_sink sink = {sizeof(exstreamtv_sink), 0, &page, collect};
        size_t before = q->len;
        json_print(&question, "{\"pool\":\"main\",\"offset\":%zu,\"limit\":%d}", q->len, PAGE_ITEMS);
        exstreamtv_slice input = {question.bytes, question.len};
        exstreamtv_status status = host->query(host->context, method, input, &sink);
        json_reader r = {page.bytes, page.bytes == NULL ? NULL : page.bytes + page.len, 1};
        exstreamtv_slice name;
        int n = 0, m = 0;
        while (status == EXSTREAMTV_OK && json_member(&r, &name, &n)) {
            if (json_is(name, "items")) while (json_next(&r, '[', ']', &m)) read_item(&r, q);
            else json_skip(&r, 0);
        }
        free(question.bytes);
        free(page.bytes);
        if (status != EXSTREAMTV_OK || !r.ok) return EXSTREAMTV_FAILED;
        if (q->len == before) break;
    }
    return EXSTREAMTV_OK;
}

static void lay(const request *q, json_buffer *b) {
    int64_t at = q->start_ms, left = MAX_ENTRIES;
    size_t place = q->len == 0 ? 0 : ((size_t)q->next % q->len + (size_t)q->aired % q->len) % q->len;
    json_print(b, "{\"entries\":[");
    while (q->len != 0 && at < q->stop_ms && b->ok) {
        const item *i = &q->items[place];
        if (left-- == 0 || (at > 0 && i->duration_ms > INT64_MAX - at)) b->ok = 0;
        else json_print(b, "%s{\"item\":\"%s\",\"start_ms\":%lld,\"stop_ms\":%lld,\"kind\":\"programme\",\"why\":\"in order\"}",
                   at == q->start_ms ? "" : ",", i->id, (long long)at, (long long)(at + i->duration_ms));
        if (b->ok) at += i->duration_ms;
        place = (place + 1) % q->len;
    }
    if (q->len == 0)
        json_print(b, "{\"item\":null,\"start_ms\":%lld,\"stop_ms\":%lld,\"kind\":\"slate\",\"why\":\"nothing to play\"}",
              (long long)q->start_ms, (long long)q->stop_ms);
    /* A pool that is empty today keeps its place. */
    json_print(b, "],\"state\":{\"next\":%lld},\"notes\":[]}", q->len == 0 ? (long long)q->next : (long long)place);
}

static exstreamtv_status plan(const exstreamtv_host *host, exstreamtv_slice input, const exstreamtv_sink *out) {
    request q = {0, 0, 0, 0, 0, NULL, 0, 0};
    json_buffer answer = {NULL, 0, 0, 1};
    exstreamtv_status status = EXSTREAMTV_OK;
    if (!read_request(input, &q)) {
        status = say(out, EXSTREAMTV_BAD_INPUT, "read the request: it is no PlanRequest with a window and items that last");
    } else if (read_pages(host, &q) != EXSTREAMTV_OK) {
        status = say(out, EXSTREAMTV_FAILED, "read the rest of the pool: the host gives no page");
    } else {
        lay(&q, &answer);
        exstreamtv_slice bytes = {answer.bytes, answer.len};
        if (!answer.ok) status = say(out, EXSTREAMTV_FAILED, "fill the window: its items are too short, or memory is");
        else if (out->append(out->context, bytes) != EXSTREAMTV_OK) status = EXSTREAMTV_SINK_REFUSED;
    }
    free(answer.bytes);
    free(q.items);
    return status;
}

/* ---- The door. ---- */

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)deadline_ns;
    if (!json_is(method, EXSTREAMTV_METHOD_PLAN)) return say(out, EXSTREAMTV_UNKNOWN_METHOD, "find the method: there is `plan` alone");
    return plan(self->data, input, out);
}

static const void *get_extension(exstreamtv_instance *self, exstreamtv_slice id) {
    (void)self, (void)id;
    return NULL;
}

static void destroy(exstreamtv_instance *self) {
    free(self);
}

static const exstreamtv_descriptor IN_ORDER = {
    sizeof(exstreamtv_descriptor), 0, EXSTREAMTV_TEXT("example.in-order"), EXSTREAMTV_TEXT("In order (example in C)"),
    EXSTREAMTV_TEXT("1.0.0"), EXSTREAMTV_TEXT("EXStreamTV"), EXSTREAMTV_TEXT("MIT OR Apache-2.0"),
    EXSTREAMTV_TEXT("https://github.com/exstreamtv/exstreamtv"), EXSTREAMTV_TEXT(EXSTREAMTV_CONTRACT_SCHEDULER),
    EXSTREAMTV_ENCODING_JSON, EXSTREAMTV_PERMISSION_NONE,
};

static uint32_t count(void) {
    return 1;
}

static const exstreamtv_descriptor *describe(uint32_t index) {
    return index == 0 ? &IN_ORDER : NULL;
}

static exstreamtv_status create(const exstreamtv_host *host, exstreamtv_slice id, exstreamtv_slice config,
                                const exstreamtv_sink *error, exstreamtv_instance **instance) {
    json_reader r = {config.data, config.len == 0 ? config.data : config.data + config.len, 1};
    *instance = NULL;
    if (!json_is(id, "example.in-order")) return say(error, EXSTREAMTV_UNKNOWN_ID, "find the plugin: there is example.in-order alone");
    if (config.len != 0) json_skip(&r, 0);
    if (!r.ok || json_peek(&r) != -1) return say(error, EXSTREAMTV_BAD_INPUT, "read the configuration: it is not JSON");
    exstreamtv_instance *made = calloc(1, sizeof *made);
    if (made == NULL) return say(error, EXSTREAMTV_FAILED, "make an instance: there is no memory");
    /* The host table is read only, and is given back to the host's functions as it is. */
    *made = (exstreamtv_instance){sizeof *made, 0, (void *)host, call, get_extension, destroy};
    *instance = made;
    return EXSTREAMTV_OK;
}

static const exstreamtv_entry ENTRY = {
    EXSTREAMTV_PLUGIN_MAGIC, sizeof(exstreamtv_entry), EXSTREAMTV_ABI_MAJOR, EXSTREAMTV_ABI_MINOR, count, describe, create,
};

const exstreamtv_entry *exstreamtv_plugin_entry_v1(void) {
    return &ENTRY;
}
