/* The reference band's side of the protocol, as the pages beside this folder specify it, in portable C99: nothing is
 * allocated, nothing of an operating system or a radio stack is used, no layout or byte order of the machine is relied on.
 * Single-threaded: call it from one context, or lock around it. How a firmware calls it:
 *
 *   power-up        hb_init
 *   each sample     hb_sample                    (only while band.measuring)
 *   control point   hb_command  -> indicate the answer; then band.identify, if set: blink and clear it
 *   radio is free   hb_packet_due -> notify it -> hb_packet_sent once the radio's queue has taken it
 *                   hb_message_due -> indicate it
 *   disconnection   hb_disconnected
 *   no more power   hb_end                       (battery empty, switched off)
 */
#ifndef HIPREP_BAND_H
#define HIPREP_BAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HB_VERSION_TYPE = 0x11,
    HB_PACKET_SAMPLES = 10,
    HB_PACKET_BYTES = 12 + 12 * HB_PACKET_SAMPLES,
    HB_INFO_BYTES = 20,
    HB_ANSWER_BYTES = 9, /* the longest: to ping */
    HB_MESSAGE_BYTES = 3,
    HB_BUFFER_S = 60
};

/* Packets that the ring buffer must hold for a rate in Hz: 600 at 100 Hz, 1200 at 200 Hz; 128 bytes each. */
#define HB_RING_PACKETS(rate_hz) ((rate_hz) * HB_BUFFER_S / HB_PACKET_SAMPLES)

/* Bits of a packet's flags. */
enum { HB_ACC_CLIP = 1, HB_GYR_CLIP = 2, HB_FIFO_OVERRUN = 4, HB_REPLAYED = 8, HB_CHARGING = 16 };

enum { HB_START = 0x01, HB_STOP = 0x02, HB_REPLAY = 0x03, HB_PING = 0x04, HB_IDENTIFY = 0x05 };
enum { HB_ANSWER = 0xf0, HB_ENDED = 0xe0 };
enum { HB_DONE = 0, HB_UNKNOWN_COMMAND = 1, HB_IMPOSSIBLE_VALUE = 2, HB_MTU_TOO_SMALL = 3 };

typedef struct {
    uint8_t rate_code; /* 1 to 4: 25, 50, 100, 200 Hz */
    uint8_t acc_range_g;
    uint16_t gyr_range_dps;
    uint16_t boot_id;
    float acc_mps2_per_count;
    float gyr_rads_per_count;
} hb_info;

typedef struct {
    uint32_t t_us; /* the band's clock at the first sample */
    uint16_t seq;
    uint8_t flags;
    uint8_t n;
    int16_t counts[HB_PACKET_SAMPLES][6]; /* ax ay az gx gy gz */
} hb_packet;

typedef struct {
    hb_info info;
    double acc_gain, gyr_gain;
    hb_packet open;    /* being filled */
    hb_packet *slots;  /* the ring's memory */
    uint16_t slot_count;
    uint16_t capacity; /* of them in use: HB_BUFFER_S at the present rate */
    uint16_t head;     /* where the next packet goes */
    uint16_t held;     /* packets in the ring */
    uint16_t waiting;  /* to be sent: that many of the newest */
    uint16_t fresh;    /* never sent: that many of the newest; more waiting ones are repetitions */
    uint16_t seq;      /* of the next packet */
    bool measuring, ended, sending, told, identify;
} hb_band;

/* slots: at least HB_RING_PACKETS(25), or no rate can be started. boot_id: another one at every power-up. Gains: one
 * count of the sensor, as its data sheet or a calibration has it, over full scale / 2^15. */
void hb_init(hb_band *band, hb_packet *slots, uint16_t slot_count, uint16_t boot_id, double acc_gain, double gyr_gain);

/* One sample, in order. flags: HB_FIFO_OVERRUN if samples are missing before it, HB_CHARGING. A hole in time ends a
 * packet early: the samples of one packet are evenly spaced. */
void hb_sample(hb_band *band, uint32_t t_us, const int16_t counts[6], uint8_t flags);

/* Nothing more will be measured until the next power-up; what is in the ring can still be fetched. */
void hb_end(hb_band *band);

/* What the host wrote to the control point -> length of the answer to indicate. now_us: the band's clock. */
size_t hb_command(hb_band *band, const uint8_t *in, size_t length, uint16_t att_mtu, uint32_t now_us,
                  uint8_t answer[HB_ANSWER_BYTES]);

/* The packet to notify next -> its length, or 0: nothing waits, nobody listens, or room is too small. It stays the
 * next one until hb_packet_sent: if the radio's queue is full, ask again later. */
size_t hb_packet_due(const hb_band *band, uint8_t *out, size_t room);
void hb_packet_sent(hb_band *band);

/* `ended`, once everything is sent -> its length, or 0. Each connection is told once, and again after a replay. */
size_t hb_message_due(hb_band *band, uint8_t out[HB_MESSAGE_BYTES]);

void hb_disconnected(hb_band *band);

/* -> the length, or 0: room is too small, or the packet has no samples or too many. */
size_t hb_encode_packet(const hb_packet *packet, const hb_info *info, uint8_t *out, size_t room);

/* What a read of the info characteristic returns. */
void hb_encode_info(const hb_info *info, uint8_t out[HB_INFO_BYTES]);

#endif
