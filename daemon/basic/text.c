/* SPDX-License-Identifier: MIT */
/* Texts for people and from them: see text.h. */
#include "daemon/basic/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t text_character_length(const char *at) {
        const unsigned char *text = (const unsigned char *)at;
        unsigned low = 0x80, high = 0xbf;
        size_t length;

        if (text[0] >= ' ' && text[0] < 0x7f)
                return 1;
        if (text[0] >= 0xc2 && text[0] <= 0xdf)
                length = 2;
        else if (text[0] >= 0xe0 && text[0] <= 0xef)
                length = 3;
        else if (text[0] >= 0xf0 && text[0] <= 0xf4)
                length = 4;
        else
                return 0;

        if (text[0] == 0xc2)
                low = 0xa0; /* below are the C1 controls */
        else if (text[0] == 0xe0)
                low = 0xa0;
        else if (text[0] == 0xed)
                high = 0x9f;
        else if (text[0] == 0xf0)
                low = 0x90;
        else if (text[0] == 0xf4)
                high = 0x8f;
        if (text[1] < low || text[1] > high)
                return 0;
        for (size_t i = 2; i < length; i++)
                if (text[i] < 0x80 || text[i] > 0xbf)
                        return 0;
        return length;
}

bool text_is_name(const char *text, size_t size) {
        size_t length;

        if (strlen(text) >= size)
                return false;
        for (; *text; text += length) {
                length = text_character_length(text);
                if (length == 0)
                        return false;
        }
        return true;
}

void text_end_at_character(char *text) {
        size_t end = strlen(text), start = end;
        unsigned char first;

        while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
                start--;
        if (start == 0)
                return;
        first = (unsigned char)text[--start];
        if (end - start < (first >= 0xf0 ? 4u : first >= 0xe0 ? 3u : first >= 0xc0 ? 2u : 1u))
                text[start] = '\0';
}

void text_copy(char *ret, size_t size, const char *text) {
        (void)snprintf(ret, size, "%s", text);
        text_end_at_character(ret);
}
