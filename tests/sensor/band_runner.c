/* Drives firmware_notes/reference/ from tests: commands on stdin, bytes in hex on stdout, a line each. Buffers are
 * allocated in their exact size, so that the address sanitizer sees every byte written beside them. */
#include "hiprep_band.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *exactly(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory)
        abort();
    return memory;
}

static void say(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
    fflush(stdout);
}

int main(void)
{
    hb_band band = {0};
    hb_packet *slots = NULL;
    char verb[16];
    while (scanf("%15s", verb) == 1) {
        if (!strcmp(verb, "init")) {
            uint16_t count, boot_id, seq;
            if (scanf("%" SCNu16 "%" SCNu16 "%" SCNu16, &count, &boot_id, &seq) != 3)
                return 3;
            free(slots);
            slots = exactly(count * sizeof *slots);
            hb_init(&band, slots, count, boot_id, 1, 1);
            band.seq = seq;
        } else if (!strcmp(verb, "samples")) {
            unsigned n, flags;
            uint32_t t_us, period_us;
            if (scanf("%u%u%" SCNu32 "%" SCNu32, &n, &flags, &t_us, &period_us) != 4)
                return 3;
            for (unsigned i = 0; i < n; i++, t_us += period_us) {
                int16_t counts[6];
                for (size_t axis = 0; axis < 6; axis++)
                    if (scanf("%" SCNd16, &counts[axis]) != 1)
                        return 3;
                hb_sample(&band, t_us, counts, (uint8_t)(i ? flags & ~4u : flags));
            }
        } else if (!strcmp(verb, "command")) {
            size_t length;
            uint16_t mtu;
            uint32_t now_us;
            if (scanf("%" SCNu16 "%" SCNu32 "%zu", &mtu, &now_us, &length) != 3)
                return 3;
            uint8_t *in = exactly(length), *answer = exactly(HB_ANSWER_BYTES);
            for (size_t i = 0; i < length; i++)
                if (scanf("%" SCNx8, &in[i]) != 1)
                    return 3;
            say(answer, hb_command(&band, in, length, mtu, now_us, answer));
            free(in);
            free(answer);
        } else if (!strcmp(verb, "due")) {
            size_t room;
            if (scanf("%zu", &room) != 1)
                return 3;
            uint8_t *out = exactly(room);
            say(out, hb_packet_due(&band, out, room));
            free(out);
        } else if (!strcmp(verb, "sent"))
            hb_packet_sent(&band);
        else if (!strcmp(verb, "message")) {
            uint8_t *out = exactly(HB_MESSAGE_BYTES);
            say(out, hb_message_due(&band, out));
            free(out);
        } else if (!strcmp(verb, "info")) {
            uint8_t *out = exactly(HB_INFO_BYTES);
            hb_encode_info(&band.info, out);
            say(out, HB_INFO_BYTES);
            free(out);
        } else if (!strcmp(verb, "disconnected"))
            hb_disconnected(&band);
        else if (!strcmp(verb, "end"))
            hb_end(&band);
        else
            return 3;
    }
    free(slots);
    return 0;
}
