/*
 * What every plugin here has in common: one described scheduler, made without memory of its own.
 *
 * A file defines ID, then includes this, then defines `call`. It may define before the include what it wants to get wrong:
 * MAGIC, STRUCT_SIZE, MAJOR, MINOR, HOST_MINOR, NAME_BYTES, COUNT, CREATE.
 *
 * Build: cc -shared -fPIC -I plugins/api/include host/loader/tests/bad/NAME.c -o libNAME.so
 */
#ifndef ONE_SCHEDULER_H
#define ONE_SCHEDULER_H

#include "exstreamtv_plugin.h"
#include <string.h>

#ifndef MAGIC
#define MAGIC EXSTREAMTV_PLUGIN_MAGIC
#endif
#ifndef STRUCT_SIZE
#define STRUCT_SIZE sizeof(exstreamtv_entry)
#endif
#ifndef MAJOR
#define MAJOR EXSTREAMTV_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR EXSTREAMTV_ABI_MINOR
#endif
#ifndef HOST_MINOR
#define HOST_MINOR 0
#endif
#ifndef NAME_BYTES
#define NAME_BYTES "A bad plugin"
#endif
#ifndef COUNT
#define COUNT 1
#endif
#ifndef CREATE
#define CREATE create
#endif

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out);

/* Says something, and gives the status back. */
static inline exstreamtv_status say(const exstreamtv_sink *out, exstreamtv_status status, const char *text) {
    exstreamtv_slice bytes = { text, strlen(text) };
    return out->append(out->context, bytes) == EXSTREAMTV_OK ? status : EXSTREAMTV_SINK_REFUSED;
}

static inline int is(exstreamtv_slice text, const char *word) {
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

static const void *no_extension(exstreamtv_instance *self, exstreamtv_slice id) {
    (void)self, (void)id;
    return NULL;
}

static void nothing_to_destroy(exstreamtv_instance *self) { (void)self; }

static exstreamtv_instance the_instance = { sizeof(exstreamtv_instance), 0, NULL, call, no_extension, nothing_to_destroy };

static const exstreamtv_host *the_host;

static inline exstreamtv_status create(const exstreamtv_host *host, exstreamtv_slice id, exstreamtv_slice config, const exstreamtv_sink *error,
                                       exstreamtv_instance **instance) {
    (void)config;
    if (!is(id, ID)) return say(error, EXSTREAMTV_UNKNOWN_ID, "no such plugin here");
    the_host = host;
    *instance = &the_instance;
    return EXSTREAMTV_OK;
}

static const exstreamtv_descriptor the_descriptor = {
    sizeof(exstreamtv_descriptor), HOST_MINOR,
    EXSTREAMTV_TEXT(ID), EXSTREAMTV_TEXT(NAME_BYTES), EXSTREAMTV_TEXT("1.0.0"), EXSTREAMTV_TEXT("Example"), EXSTREAMTV_TEXT("MIT"),
    EXSTREAMTV_TEXT(""), EXSTREAMTV_TEXT(EXSTREAMTV_CONTRACT_SCHEDULER), EXSTREAMTV_ENCODING_JSON, EXSTREAMTV_PERMISSION_NONE,
};

static uint32_t count(void) { return COUNT; }

static const exstreamtv_descriptor *describe(uint32_t index) { return index < COUNT ? &the_descriptor : NULL; }

static const exstreamtv_entry the_entry = { MAGIC, STRUCT_SIZE, MAJOR, MINOR, count, describe, CREATE };

EXSTREAMTV_EXPORT const exstreamtv_entry *exstreamtv_plugin_entry_v1(void) { return &the_entry; }

#endif
