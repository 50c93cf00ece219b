/*
 * A host in C, as small as can be: links a plugin, makes an instance and plays the requests of its standard input.
 *
 * In: for each request a line "METHOD LENGTH\n" and that many bytes. Out: a line "STATUS LENGTH\n" and that many bytes.
 * Its pool "main" has 5,000 items of a second; it gives pages of at most 1,500.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exstreamtv_plugin.h"

typedef struct {
    char *bytes;
    size_t len;
} output;

static exstreamtv_status append(void *context, exstreamtv_slice bytes) {
    output *out = context;
    out->bytes = realloc(out->bytes, out->len + bytes.len + 1);
    if (out->bytes == NULL) abort();
    if (bytes.len != 0) memcpy(out->bytes + out->len, bytes.data, bytes.len);
    out->len += bytes.len;
    return EXSTREAMTV_OK;
}

static void print_log(void *context, exstreamtv_log_level level, exstreamtv_slice message) {
    (void)context;
    fprintf(stderr, "%d: %.*s\n", (int)level, (int)message.len, message.data);
}

static exstreamtv_status query(void *context, exstreamtv_slice method, exstreamtv_slice input, const exstreamtv_sink *out) {
    char question[128], item[128];
    long offset = 0, limit = 0;
    (void)context;
    if (method.len != strlen(EXSTREAMTV_QUERY_POOL_PAGE) || input.len >= sizeof question) return EXSTREAMTV_UNKNOWN_METHOD;
    memcpy(question, input.data, input.len);
    question[input.len] = '\0';
    if (sscanf(question, "{\"pool\":\"main\",\"offset\":%ld,\"limit\":%ld}", &offset, &limit) != 2) return EXSTREAMTV_BAD_INPUT;
    out->append(out->context, (exstreamtv_slice)EXSTREAMTV_TEXT("{\"items\":["));
    for (long i = 0; i < limit && i < 1500 && offset + i < 5000; i++) {
        int len = snprintf(item, sizeof item, "%s{\"id\":\"%ld\",\"duration_ms\":1000}", i == 0 ? "" : ",", offset + i + 1);
        out->append(out->context, (exstreamtv_slice){item, (size_t)len});
    }
    return out->append(out->context, (exstreamtv_slice)EXSTREAMTV_TEXT("]}"));
}

static const void *get_extension(void *context, exstreamtv_slice id) {
    (void)context, (void)id;
    return NULL;
}

int main(void) {
    const exstreamtv_host host = {sizeof host, EXSTREAMTV_ABI_MINOR, NULL, print_log, query, get_extension};
    const exstreamtv_entry *entry = exstreamtv_plugin_entry_v1();
    exstreamtv_instance *instance = NULL;
    exstreamtv_slice none = {NULL, 0};
    output error = {NULL, 0};
    exstreamtv_sink error_sink = {sizeof error_sink, 0, &error, append};
    char method[32];
    size_t len;
    if (entry->create(&host, entry->describe(0)->id, none, &error_sink, &instance) != EXSTREAMTV_OK) return 1;
    while (scanf("%31s %zu", method, &len) == 2 && getchar() == '\n') {
        /* Exactly as large as the request, so that a read beyond its end is seen by the sanitizers. */
        char *request = malloc(len == 0 ? 1 : len);
        output answer = {NULL, 0};
        exstreamtv_sink sink = {sizeof sink, 0, &answer, append};
        exstreamtv_slice name = {method, strlen(method)}, input = {request, len};
        if (request == NULL || fread(request, 1, len, stdin) != len) return 1;
        exstreamtv_status status = instance->call(instance, name, input, 0, &sink);
        printf("%d %zu\n", (int)status, answer.len);
        if (answer.len != 0) fwrite(answer.bytes, 1, answer.len, stdout);
        fflush(stdout);
        free(answer.bytes);
        free(request);
    }
    instance->destroy(instance);
    free(error.bytes);
    return 0;
}
