/* ---- The door: what every plugin has. ---- */

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)deadline_ns; /* Nothing is kept between calls, and nothing here takes long. */
    return answer(method, input, out);
}

static const void *get_extension(exstreamtv_instance *self, exstreamtv_slice id) {
    (void)self, (void)id;
    return NULL;
}

static void destroy(exstreamtv_instance *self) {
    free(self);
}

/* @STEM@.plugin.toml says the same. */
static const exstreamtv_descriptor DESCRIPTOR = {
    sizeof(exstreamtv_descriptor), 0, EXSTREAMTV_TEXT("@ID@"), EXSTREAMTV_TEXT("@TITLE@"), EXSTREAMTV_TEXT("0.1.0"),
    EXSTREAMTV_TEXT("@VENDOR@"), EXSTREAMTV_TEXT("MIT"), EXSTREAMTV_TEXT(""), EXSTREAMTV_TEXT("@CONTRACT@"),
    EXSTREAMTV_ENCODING_JSON, EXSTREAMTV_PERMISSION_NONE,
};

static uint32_t count(void) {
    return 1;
}

static const exstreamtv_descriptor *describe(uint32_t index) {
    return index == 0 ? &DESCRIPTOR : NULL;
}

static exstreamtv_status create(const exstreamtv_host *host, exstreamtv_slice id, exstreamtv_slice config,
                                const exstreamtv_sink *error, exstreamtv_instance **instance) {
    (void)host, (void)config; /* There is nothing to configure. */
    *instance = NULL;
    if (!json_is(id, "@ID@")) return say(error, EXSTREAMTV_UNKNOWN_ID, "find the plugin: there is @ID@ alone");
    exstreamtv_instance *made = (exstreamtv_instance *)calloc(1, sizeof *made);
    if (made == NULL) return say(error, EXSTREAMTV_FAILED, "make an instance: there is no memory");
    made->struct_size = sizeof *made;
    made->call = call;
    made->get_extension = get_extension;
    made->destroy = destroy;
    *instance = made;
    return EXSTREAMTV_OK;
}

static const exstreamtv_entry ENTRY = {
    EXSTREAMTV_PLUGIN_MAGIC, sizeof(exstreamtv_entry), EXSTREAMTV_ABI_MAJOR, EXSTREAMTV_ABI_MINOR, count, describe, create,
};

const exstreamtv_entry *exstreamtv_plugin_entry_v1(void) {
    return &ENTRY;
}
