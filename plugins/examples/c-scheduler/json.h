/*
 * A small JSON reader and writer, to be copied into plugins.
 *
 * Does: walk through a document in one pass, and skip what is not known, which is how the members of a newer host are ignored.
 * Does not: build a tree, unescape texts except to compare them, or check numbers that are skipped to the last digit.
 * Invariant: no byte outside of the document is read; nesting is bounded; after a mistake `ok` is 0 and every further read does nothing.
 */
#ifndef JSON_H
#define JSON_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exstreamtv_plugin.h"

#define JSON_MAX_DEPTH 64

/* ---- Reading. ---- */

typedef struct {
    const char *at, *end;
    int ok;
} json_reader;

static inline int json_peek(json_reader *r) {
    while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at != '\0') r->at++;
    return r->ok && r->at < r->end ? (unsigned char)*r->at : -1;
}

static inline int json_take(json_reader *r, int c) {
    if (json_peek(r) != c) return 0;
    r->at++;
    return 1;
}

static inline void json_expect(json_reader *r, int c) {
    if (!json_take(r, c)) r->ok = 0;
}

/* Reads a string and returns what stands between its quotes, escapes and all. */
static inline exstreamtv_slice json_text(json_reader *r) {
    exstreamtv_slice out = {r->at, 0};
    json_expect(r, '"');
    out.data = r->at;
    while (r->ok && r->at < r->end && *r->at != '"') {
        if ((unsigned char)*r->at < 0x20) r->ok = 0;
        if (*r->at == '\\') r->at++; /* Whatever it is, what is escaped does not end the string. */
        if (r->at < r->end) r->at++;
    }
    out.len = (size_t)(r->at - out.data);
    json_expect(r, '"');
    return out;
}

static inline int64_t json_integer(json_reader *r) {
    int64_t value = 0;
    int negative = json_take(r, '-'), digits = 0;
    for (; r->ok && r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, digits++) {
        if (value > (INT64_MAX - 9) / 10) r->ok = 0;
        else value = value * 10 + (*r->at - '0');
    }
    if (digits == 0) r->ok = 0;
    return negative ? -value : value;
}

static inline int json_word(json_reader *r, const char *expected) {
    size_t len = strlen(expected);
    if (json_peek(r) != expected[0] || (size_t)(r->end - r->at) < len || memcmp(r->at, expected, len) != 0) return 0;
    r->at += len;
    return 1;
}

/* Reads one character of a string as it is meant, or -1 for one that is not ASCII. */
static inline int json_character(const char **at, const char *end) {
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    char digits[5] = {0};
    const char *letter;
    int c = (unsigned char)*(*at)++;
    if (c != '\\' || *at == end) return c < 0x80 ? c : -1;
    c = (unsigned char)*(*at)++;
    if (c == 'u' && end - *at >= 4) {
        memcpy(digits, *at, 4);
        *at += 4;
        c = (int)strtol(digits, NULL, 16);
        return c < 0x80 ? c : -1;
    }
    letter = c == '\0' ? NULL : strchr(letters, c);
    return letter == NULL ? c : meanings[letter - letters];
}

/* Compares a string with an ASCII text; the same text may be written in several ways: "id" is "\u0069d". */
static inline int json_is(exstreamtv_slice slice, const char *expected) {
    const char *at = slice.data, *end = slice.len == 0 ? at : at + slice.len;
    while (at < end && *expected != '\0')
        if (json_character(&at, end) != (unsigned char)*expected++) return 0;
    return at == end && *expected == '\0';
}

/* Goes to the next element: `for (n = 0; json_next(r, '[', ']', &n);) read one`. */
static inline int json_next(json_reader *r, int open, int close, int *count) {
    if (*count == 0) json_expect(r, open);
    if (!r->ok || json_take(r, close)) return 0;
    if (*count != 0) json_expect(r, ',');
    *count = 1;
    return r->ok;
}

/* Goes to the next member of an object and returns its name. */
static inline int json_member(json_reader *r, exstreamtv_slice *name, int *count) {
    if (!json_next(r, '{', '}', count)) return 0;
    *name = json_text(r);
    json_expect(r, ':');
    return r->ok;
}

/* Skips whatever comes: this is how members that are not known are ignored. */
static inline void json_skip(json_reader *r, int depth) {
    exstreamtv_slice name;
    int n = 0, c = json_peek(r);
    if (depth > JSON_MAX_DEPTH) r->ok = 0;
    else if (c == '"') json_text(r);
    else if (c == '{') while (json_member(r, &name, &n)) json_skip(r, depth + 1);
    else if (c == '[') while (json_next(r, '[', ']', &n)) json_skip(r, depth + 1);
    else if (c == '-' || (c >= '0' && c <= '9')) while (r->at < r->end && *r->at != '\0' && strchr("+-.eE0123456789", *r->at)) r->at++;
    else if (!json_word(r, "null") && !json_word(r, "true") && !json_word(r, "false")) r->ok = 0;
}

/* ---- Writing: into memory that grows. After a mistake `ok` is 0. The bytes are the caller's to free. ---- */

typedef struct {
    char *bytes;
    size_t len, room;
    int ok;
} json_buffer;

static inline void json_add(json_buffer *b, const char *bytes, size_t len) {
    if (b->ok && b->room - b->len < len) {
        char *more = realloc(b->bytes, b->room * 2 + len);
        if (more == NULL) b->ok = 0;
        else b->bytes = more, b->room = b->room * 2 + len;
    }
    if (!b->ok || len == 0) return;
    memcpy(b->bytes + b->len, bytes, len);
    b->len += len;
}

static inline void json_print(json_buffer *b, const char *format, ...) {
    char line[256];
    va_list values;
    va_start(values, format);
    int len = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (len < 0 || (size_t)len >= sizeof line) b->ok = 0;
    else json_add(b, line, (size_t)len);
}

#endif
