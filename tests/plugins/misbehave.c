/*
 * Schedulers that do everything a plugin must not do, one misdeed per id. The end-to-end tests build this file and give it to a host.
 */
#include <exstreamtv_plugin.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ABOUT(misdeed)                                                                                                           \
    {sizeof(exstreamtv_descriptor), 0, EXSTREAMTV_TEXT("test." misdeed), EXSTREAMTV_TEXT("Test of " misdeed),                    \
     EXSTREAMTV_TEXT("1.0.0"), EXSTREAMTV_TEXT("EXStreamTV tests"), EXSTREAMTV_TEXT("MIT"), EXSTREAMTV_TEXT(""),                 \
     EXSTREAMTV_TEXT(EXSTREAMTV_CONTRACT_SCHEDULER), EXSTREAMTV_ENCODING_JSON, EXSTREAMTV_PERMISSION_NONE}

static const exstreamtv_descriptor descriptors[] = {
    ABOUT("abort"), ABOUT("segfault"), ABOUT("hang"), ABOUT("nonsense"), ABOUT("hole"), ABOUT("huge"), ABOUT("panic"),
};
static const uint32_t descriptor_count = sizeof(descriptors) / sizeof(descriptors[0]);

static exstreamtv_status say(const exstreamtv_sink *out, const char *text)
{
    exstreamtv_slice bytes = {text, strlen(text)};
    return out->append(out->context, bytes);
}

static exstreamtv_status answer_huge(const exstreamtv_sink *out)
{
    static const char spaces[65536];
    exstreamtv_slice bytes = {spaces, sizeof(spaces)};
    exstreamtv_status status = EXSTREAMTV_OK;
    for (int i = 0; i < 1600 && status == EXSTREAMTV_OK; i++) /* 100 MiB */
        status = out->append(out->context, bytes);
    return EXSTREAMTV_OK; /* even where the sink has refused */
}

static exstreamtv_status misbehave(const char *misdeed, const exstreamtv_sink *out)
{
    if (strcmp(misdeed, "abort") == 0)
        abort();
    if (strcmp(misdeed, "segfault") == 0)
        *(volatile int *)0 = 1;
    if (strcmp(misdeed, "hang") == 0)
        for (;;)
            pause();
    if (strcmp(misdeed, "nonsense") == 0)
        return say(out, "\x01\xff this is no document");
    if (strcmp(misdeed, "hole") == 0)
        return say(out, "{\"entries\":[{\"item\":null,\"start_ms\":0,\"stop_ms\":1}],\"state\":null,\"notes\":[]}");
    if (strcmp(misdeed, "huge") == 0)
        return answer_huge(out);
    say(out, "the test wants it so");
    return EXSTREAMTV_PANIC;
}

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out)
{
    (void)input, (void)deadline_ns;
    if (method.len == 4 && memcmp(method.data, "plan", 4) == 0)
        return misbehave(self->data, out);
    return EXSTREAMTV_UNKNOWN_METHOD;
}

static const void *get_extension(exstreamtv_instance *self, exstreamtv_slice id)
{
    (void)self, (void)id;
    return NULL;
}

static void destroy(exstreamtv_instance *self)
{
    free(self);
}

static exstreamtv_status create(const exstreamtv_host *host, exstreamtv_slice id, exstreamtv_slice config, const exstreamtv_sink *error,
                                exstreamtv_instance **instance)
{
    (void)host, (void)config, (void)error;
    for (uint32_t i = 0; i < descriptor_count; i++) {
        const exstreamtv_slice known = descriptors[i].id;
        if (known.len != id.len || memcmp(known.data, id.data, id.len) != 0)
            continue;
        exstreamtv_instance *made = calloc(1, sizeof(*made));
        if (made == NULL)
            return EXSTREAMTV_FAILED;
        /* The texts are literals, so a zero byte ends them. */
        *made = (exstreamtv_instance){sizeof(*made), 0, (void *)(known.data + strlen("test.")), call, get_extension, destroy};
        *instance = made;
        return EXSTREAMTV_OK;
    }
    return EXSTREAMTV_UNKNOWN_ID;
}

static uint32_t count(void)
{
    return descriptor_count;
}

static const exstreamtv_descriptor *describe(uint32_t index)
{
    return index < descriptor_count ? &descriptors[index] : NULL;
}

const exstreamtv_entry *exstreamtv_plugin_entry_v1(void)
{
    static const exstreamtv_entry entry = {
        EXSTREAMTV_PLUGIN_MAGIC, sizeof(exstreamtv_entry), EXSTREAMTV_ABI_MAJOR, EXSTREAMTV_ABI_MINOR, count, describe, create,
    };
    return &entry;
}
