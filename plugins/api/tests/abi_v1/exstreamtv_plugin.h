/*
 * exstreamtv_plugin.h - the interface between EXStreamTV and its plugins, version 1.0
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * This file is the specification. It needs nothing but a C11 or C++17 compiler; a plugin links against nothing of ours.
 * `exstreamtv plugin check FILE` says whether a plugin keeps what is written here, and names the rule that it breaks.
 *
 *
 * 1. WHAT A PLUGIN IS
 *
 * Plugins decide, the host acts. A plugin holds strategies; a strategy is a set of functions from a JSON document to a JSON document.
 * It reads no clock, no random numbers, no files, no network and no environment, it starts no processes, and it remembers nothing between
 * calls: the time, the seed and its own previous state stand in the request. So the same request gives the same answer, on any machine and on any
 * day. That is what lets the host replay a decision, preview a schedule, and run the plugin in another process.
 *
 * A library exports ONE function, exstreamtv_plugin_entry_v1, and nothing else needs to be visible. The host then calls, in this order:
 *
 *     entry = exstreamtv_plugin_entry_v1()             once per process
 *     entry->count(), entry->describe(i)               what is inside
 *     entry->create(host, id, config, error, &made)    one instance per use: a channel, say
 *     made->call(made, method, input, deadline, out)   any number of times
 *     made->destroy(made)                              once
 *
 * Beside the library lies a text file that says the same as describe(), so that plugins are listed without running their code. For
 * libfoo.so, foo.so, libfoo.dylib it is called foo.plugin.toml: no "lib" in front, no extension. Every member is required but `url`:
 *
 *     abi = 1                                          # EXSTREAMTV_ABI_MAJOR
 *     [[plugin]]                                       # one per described plugin, in the order of describe()
 *     id = "org.example.marathon"
 *     name = "Marathon"
 *     version = "1.2.0"
 *     vendor = "Example"
 *     licence = "MIT"
 *     url = "https://example.org/marathon"
 *     contract = "exstreamtv.scheduler/1"
 *     min_host_minor = 0
 *     encodings = ["json"]
 *     permissions = []
 *
 *
 * 2. CONTRACTS
 *
 * Each described plugin fulfils one contract. The documents are described by the JSON Schemas in plugins/schema (named in brackets),
 * and shown by the examples in plugins/vectors.
 *
 *     exstreamtv.scheduler/1   prepare        [PrepareRequest -> Preparation]      are these settings right, and what do they draw from?
 *                              plan           [PlanRequest -> PlanAnswer]          what is on air from when to when?
 *     exstreamtv.picker/1      pick_audio     [AudioRequest -> AudioAnswer]        which sound of this file?
 *                              pick_subtitle  [SubtitleRequest -> SubtitleAnswer]  which subtitles?
 *     exstreamtv.resolver/1    propose        [ProposeRequest -> ProposeAnswer]    something is wrong; what may be done about it?
 *
 * A picker may know only one of its methods, and a scheduler may leave `prepare` out; it answers EXSTREAMTV_UNKNOWN_METHOD to the rest. A
 * scheduler without `prepare` gets the channel's own collection as the pool "main". Contracts whose names end in ".draft/N" may change
 * or vanish; hosts load them only when asked to.
 *
 *
 * 3. DOCUMENTS
 *
 * - UTF-8, RFC 8259 JSON, no byte order mark. Ids are strings. Times are integers in milliseconds since 1970-01-01T00:00:00Z, durations are
 *   integers in milliseconds, zones are IANA names; units stand at the end of a member's name (_ms).
 * - Ignore members that you do not know, and do not depend on the order of members. Absent optional members have the schema's default.
 * - Lists of words may grow. Take an issue type that you do not know for UNKNOWN; a disposition or a source that you do not know for absent.
 * - Input is at most 64 levels deep where the host made it. Refuse what you cannot read with EXSTREAMTV_BAD_INPUT; never crash on it.
 * - An answer is at most 8 MiB, that of `plan` 64 MiB. A scheduler's state is at most 64 KiB and comes back unchanged, possibly to
 *   a newer version of the plugin. State that cannot be understood is no error: start over and say so in the notes.
 * - The pools of a PlanRequest hold their first items only, at most 2,000. If `count` is more than that, ask for the rest with the
 *   host's query `pool_page`, from offset = the number of items you have, until `count` items are there or a page is empty.
 *
 *
 * 4. TIME LIMITS
 *
 * prepare 2 s, plan 10 s, pick_audio and pick_subtitle 500 ms, propose 5 s. `deadline_ns` is what is left of that. A call that takes longer is
 * given up, and so is the instance. Return EXSTREAMTV_TIMEOUT before that if you can see it coming.
 *
 *
 * 5. WHO OWNS WHAT
 *
 * Nobody ever frees the other side's memory. Every pointer below carries one of these words:
 *
 *     [borrowed]  belongs to the caller and is valid until the function returns. Copy what you need for longer.
 *     [static]    belongs to the plugin and is valid and unchanged from the first call into the library until the process ends.
 *     [instance]  valid until destroy() of the instance returns.
 *
 * Text and bytes are slices, not terminated by a zero byte. A slice with len 0 may have any data, NULL too.
 *
 *
 * 6. THREADS
 *
 * Every function below carries one of these words:
 *
 *     [any thread]   from any thread, several at once.
 *     [one at a time] from any thread, not always the same one, but never two calls of one instance at once, and the effects of one call are
 *                    visible to the next. Calls of different instances run in parallel.
 *     [during a call] only while the host is inside create() or call() of the instance that the host table was given to.
 *
 * A plugin must not fork, raise or handle signals, change the working directory, the locale, the umask or the environment, or
 * write to standard output. A thread that it starts must have ended when destroy() returns. No exception, panic or longjmp may leave a function.
 * A library is never unloaded.
 *
 *
 * 7. VERSIONS
 *
 * - A struct that may grow begins with its size in bytes as its author knew it (for the entry: after the magic number). Set it with sizeof. Read a
 *   member only if the size covers it. Members are appended, never moved, removed or given another meaning.
 * - MINOR goes up when members are appended, and when methods, host queries, extensions or optional JSON members are added. A plugin that
 *   cannot do without a newer host says so in min_host_minor and is refused by older ones, with both numbers in the message.
 * - MAJOR goes up when anything else changes. It has another entry symbol (exstreamtv_plugin_entry_v2), so one library may export both.
 *   Hosts load the previous major for at least two years after the next one.
 * - Members named `reserved` are zero and are not read.
 */
#ifndef EXSTREAMTV_PLUGIN_H
#define EXSTREAMTV_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this file. */
#define EXSTREAMTV_ABI_MAJOR 1u
#define EXSTREAMTV_ABI_MINOR 0u

/* First member of the entry: "EXTV" as a big-endian number. */
#define EXSTREAMTV_PLUGIN_MAGIC 0x45585456u

/* Name of the one exported function. */
#define EXSTREAMTV_ENTRY_SYMBOL "exstreamtv_plugin_entry_v1"

/* Contracts: values of exstreamtv_descriptor.contract. */
#define EXSTREAMTV_CONTRACT_SCHEDULER "exstreamtv.scheduler/1"
#define EXSTREAMTV_CONTRACT_PICKER "exstreamtv.picker/1"
#define EXSTREAMTV_CONTRACT_RESOLVER "exstreamtv.resolver/1"

/* Methods: values of the parameter `method` of exstreamtv_instance.call. */
#define EXSTREAMTV_METHOD_PREPARE "prepare"
#define EXSTREAMTV_METHOD_PLAN "plan"
#define EXSTREAMTV_METHOD_PICK_AUDIO "pick_audio"
#define EXSTREAMTV_METHOD_PICK_SUBTITLE "pick_subtitle"
#define EXSTREAMTV_METHOD_PROPOSE "propose"

/* Queries: values of the parameter `method` of exstreamtv_host.query. */
#define EXSTREAMTV_QUERY_POOL_PAGE "pool_page" /* [PoolPageRequest -> PoolPage], while the method `plan` runs */

/* Encodings of documents: bits of exstreamtv_descriptor.encodings. Every v1 plugin knows JSON. */
#define EXSTREAMTV_ENCODING_JSON 1u

/* Permissions: bits of exstreamtv_descriptor.permissions. Version 1.0 has none to give. */
#define EXSTREAMTV_PERMISSION_NONE 0u

/* Visibility of the entry function; define it before this file is read if your compiler wants another word. */
#ifndef EXSTREAMTV_EXPORT
#if defined(__GNUC__) || defined(__clang__)
#define EXSTREAMTV_EXPORT __attribute__((visibility("default")))
#else
#define EXSTREAMTV_EXPORT
#endif
#endif

/* Initialises a slice from a string literal: exstreamtv_slice name = EXSTREAMTV_TEXT("Marathon"); */
#define EXSTREAMTV_TEXT(literal) { (literal), sizeof(literal) - 1 }

/*
 * How a call ended. On anything but EXSTREAMTV_OK, the bytes in the call's sink are not an answer but a text for people: one line of UTF-8 that says what
 * failed and what can be done about it, lower case, so that it reads well after "failed to". A number that is not listed counts as EXSTREAMTV_FAILED.
 */
typedef int32_t exstreamtv_status;

#define EXSTREAMTV_OK ((exstreamtv_status)0)             /* The sink holds the answer. */
#define EXSTREAMTV_UNKNOWN_METHOD ((exstreamtv_status)1) /* There is no such method, query or extension here. */
#define EXSTREAMTV_BAD_INPUT ((exstreamtv_status)2)      /* The input is not the document that this method takes. */
#define EXSTREAMTV_FAILED ((exstreamtv_status)3)         /* The input was understood, and there is no answer to it. */
#define EXSTREAMTV_TIMEOUT ((exstreamtv_status)4)        /* The answer would come too late. */
#define EXSTREAMTV_PANIC ((exstreamtv_status)5)          /* The plugin has a bug and noticed; the host destroys the instance. */
#define EXSTREAMTV_SINK_REFUSED ((exstreamtv_status)6)   /* The sink took no more. */
#define EXSTREAMTV_UNKNOWN_ID ((exstreamtv_status)7)     /* create(): this library describes no such id. */

/* How important a log line is: the parameter `level` of exstreamtv_host.log. */
typedef int32_t exstreamtv_log_level;

#define EXSTREAMTV_LOG_ERROR ((exstreamtv_log_level)1) /* Somebody must act. */
#define EXSTREAMTV_LOG_WARN ((exstreamtv_log_level)2)  /* Something is odd, and the plugin coped. */
#define EXSTREAMTV_LOG_INFO ((exstreamtv_log_level)3)  /* Worth knowing. */
#define EXSTREAMTV_LOG_DEBUG ((exstreamtv_log_level)4) /* For the author. */

/* Some bytes; their owner is said where the slice is used. Never grows. */
typedef struct exstreamtv_slice {
    const char *data; /* First byte; any value if len is 0. */
    size_t len;       /* Number of bytes. */
} exstreamtv_slice;

/* Where the output of a call goes. OWNERSHIP: [borrowed]. */
typedef struct exstreamtv_sink {
    uint32_t struct_size; /* Bytes of this struct that are there. */
    uint32_t reserved;    /* Zero. */
    void *context;        /* To be given to append. OWNERSHIP: [borrowed], opaque. */

    /*
     * Appends bytes to the output; may be called any number of times. Returns EXSTREAMTV_OK or EXSTREAMTV_SINK_REFUSED; after a refusal, stop and
     * return EXSTREAMTV_SINK_REFUSED. Do not append part of an answer before you know that the call succeeds.
     * THREAD: on the thread of the call that the sink was given to, until that call returns.
     * OWNERSHIP: bytes is [borrowed]; the sink copies it.
     */
    exstreamtv_status (*append)(void *context, exstreamtv_slice bytes);
} exstreamtv_sink;

/* What the host offers to an instance. OWNERSHIP: [instance]; do not keep it for another instance. */
typedef struct exstreamtv_host {
    uint32_t struct_size; /* Bytes of this struct that are there. */
    uint32_t abi_minor;   /* The host's minor version: which members, queries and extensions it has. */
    void *context;        /* To be given to the functions. OWNERSHIP: [instance], opaque. */

    /*
     * Writes a line to the host's log, which names the plugin by itself. Hosts may shorten it and may drop lines that come too fast.
     * THREAD: [any thread], from create() until destroy() returns.
     * OWNERSHIP: message is [borrowed], UTF-8.
     */
    void (*log)(void *context, exstreamtv_log_level level, exstreamtv_slice message);

    /*
     * Asks the host a question and gets the answer into `out`, by the same rules as a call of the host: on a status other than EXSTREAMTV_OK, `out` gets
     * a text for people. Counts against the deadline of the call.
     * THREAD: [during a call], on the thread of that call.
     * OWNERSHIP: method, input and out are [borrowed]; the sink is the plugin's own.
     */
    exstreamtv_status (*query)(void *context, exstreamtv_slice method, exstreamtv_slice input, const exstreamtv_sink *out);

    /*
     * Returns an extension of the host, or NULL if it has none of this id. Version 1.0 defines none.
     * THREAD: [any thread].
     * OWNERSHIP: id is [borrowed]; the result is [instance].
     */
    const void *(*get_extension)(void *context, exstreamtv_slice id);
} exstreamtv_host;

/* What a plugin says about itself. OWNERSHIP: [static], with everything that it points to. All texts are UTF-8. */
typedef struct exstreamtv_descriptor {
    uint32_t struct_size;      /* sizeof(exstreamtv_descriptor) */
    uint32_t min_host_minor;   /* The oldest minor version of the host that it can work with; 0 for most. */
    exstreamtv_slice id;       /* "org.example.marathon": a-z, 0-9, '.', '-', at most 64 bytes; no two in a library; never changes. */
    exstreamtv_slice name;     /* What people call it. */
    exstreamtv_slice version;  /* Semantic version: "1.2.0". */
    exstreamtv_slice vendor;   /* Who made it. */
    exstreamtv_slice licence;  /* SPDX expression: "MIT OR Apache-2.0". */
    exstreamtv_slice url;      /* Where to read more; may be empty. */
    exstreamtv_slice contract; /* One of EXSTREAMTV_CONTRACT_*. */
    uint64_t encodings;        /* EXSTREAMTV_ENCODING_* that it can read and write; EXSTREAMTV_ENCODING_JSON always. */
    uint64_t permissions;      /* EXSTREAMTV_PERMISSION_NONE. */
} exstreamtv_descriptor;

typedef struct exstreamtv_instance exstreamtv_instance;

/*
 * A strategy at work. OWNERSHIP: belongs to the plugin; valid from create() until destroy() is called. The host changes nothing in it.
 */
struct exstreamtv_instance {
    uint32_t struct_size; /* sizeof(exstreamtv_instance) */
    uint32_t reserved;    /* Zero. */
    void *data;           /* The plugin's own; the host does not touch it. */

    /*
     * Answers one request. Depends on `method` and `input` alone, and on the `config` of create().
     * deadline_ns: nanoseconds that are left, from the moment of the call; 0 means that there is no limit.
     * Returns how it went, and appends the answer or the text about the error to `out`.
     * THREAD: [one at a time].
     * OWNERSHIP: self is the plugin's; method, input and out are [borrowed].
     */
    exstreamtv_status (*call)(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out);

    /*
     * Returns an extension of the plugin, or NULL if it has none of this id. Version 1.0 defines none.
     * THREAD: [one at a time].
     * OWNERSHIP: id is [borrowed]; the result is [instance].
     */
    const void *(*get_extension)(exstreamtv_instance *self, exstreamtv_slice id);

    /*
     * Ends the instance and frees all that belongs to it, `self` included.
     * THREAD: [one at a time], last of all; also after a call that ended with EXSTREAMTV_PANIC.
     */
    void (*destroy)(exstreamtv_instance *self);
};

/* What a library is. OWNERSHIP: [static]. */
typedef struct exstreamtv_entry {
    uint32_t magic;       /* EXSTREAMTV_PLUGIN_MAGIC */
    uint32_t struct_size; /* sizeof(exstreamtv_entry) */
    uint32_t abi_major;   /* EXSTREAMTV_ABI_MAJOR */
    uint32_t abi_minor;   /* EXSTREAMTV_ABI_MINOR */

    /*
     * Returns how many plugins are described; at most 64, and always the same.
     * THREAD: [any thread].
     */
    uint32_t (*count)(void);

    /*
     * Returns what plugin `index` says about itself, or NULL if index is not below count().
     * THREAD: [any thread].
     * OWNERSHIP: the result is [static].
     */
    const exstreamtv_descriptor *(*describe)(uint32_t index);

    /*
     * Makes an instance of plugin `id` and stores it in *instance. It must be cheap, and it must not need destroy() of another one first.
     * config: a JSON document of the plugin's own, from the host's configuration; empty, `null` or `{}` when there is none.
     * Returns EXSTREAMTV_OK, EXSTREAMTV_UNKNOWN_ID, EXSTREAMTV_BAD_INPUT for a config that is wrong, EXSTREAMTV_FAILED or EXSTREAMTV_PANIC. On anything
     * but EXSTREAMTV_OK, *instance is NULL and `error` has a text for people.
     * THREAD: [any thread].
     * OWNERSHIP: host is [instance]; id, config, error and instance are [borrowed]; *instance is the plugin's until destroy().
     */
    exstreamtv_status (*create)(const exstreamtv_host *host, exstreamtv_slice id, exstreamtv_slice config,
                                const exstreamtv_sink *error, exstreamtv_instance **instance);
} exstreamtv_entry;

/*
 * The one function that a library exports. Must not fail, and does no work: it returns the address of a constant.
 * THREAD: [any thread].
 * OWNERSHIP: the result is [static].
 */
EXSTREAMTV_EXPORT const exstreamtv_entry *exstreamtv_plugin_entry_v1(void);

#ifdef __cplusplus
}
#endif

#endif /* EXSTREAMTV_PLUGIN_H */
