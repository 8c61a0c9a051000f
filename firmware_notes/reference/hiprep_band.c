#include "hiprep_band.h"

#include <string.h>

static const uint16_t RATES_HZ[] = {0, 25, 50, 100, 200}; /* by rate code */
static const uint8_t ACC_RANGES_G[] = {2, 4, 8, 16};
static const uint16_t GYR_RANGES_DPS[] = {125, 250, 500, 1000, 2000};

static const double STANDARD_GRAVITY = 9.80665, RADIANS = 3.14159265358979323846 / 180, FULL_SCALE = 32768;

/* Little-endian, whatever the machine is. */

static uint8_t *put_u8(uint8_t *out, uint8_t value)
{
    *out = value;
    return out + 1;
}

static uint8_t *put_u16(uint8_t *out, uint16_t value)
{
    return put_u8(put_u8(out, (uint8_t)(value & 0xff)), (uint8_t)(value >> 8));
}

static uint8_t *put_u32(uint8_t *out, uint32_t value)
{
    return put_u16(put_u16(out, (uint16_t)(value & 0xffff)), (uint16_t)(value >> 16));
}

static uint8_t *put_f32(uint8_t *out, float value)
{
    uint32_t bits; /* IEEE 754, as on every processor that has a radio */
    memcpy(&bits, &value, sizeof bits);
    return put_u32(out, bits);
}

static uint16_t get_u16(const uint8_t *in)
{
    return (uint16_t)(in[0] | in[1] << 8);
}

size_t hb_encode_packet(const hb_packet *packet, const hb_info *info, uint8_t *out, size_t room)
{
    if (packet->n < 1 || packet->n > HB_PACKET_SAMPLES || room < 12u + 12u * packet->n)
        return 0;
    uint8_t *end = put_u8(out, HB_VERSION_TYPE);
    end = put_u8(end, packet->flags);
    end = put_u16(end, packet->seq);
    end = put_u32(end, packet->t_us);
    end = put_u16(end, info->boot_id);
    end = put_u8(end, packet->n);
    end = put_u8(end, info->rate_code);
    for (size_t i = 0; i < packet->n; i++)
        for (size_t axis = 0; axis < 6; axis++)
            end = put_u16(end, (uint16_t)packet->counts[i][axis]);
    return (size_t)(end - out);
}

void hb_encode_info(const hb_info *info, uint8_t out[HB_INFO_BYTES])
{
    out = put_u8(out, HB_VERSION_TYPE);
    out = put_u8(out, info->rate_code);
    out = put_u8(out, info->acc_range_g);
    out = put_u8(out, HB_PACKET_SAMPLES);
    out = put_u16(out, info->gyr_range_dps);
    out = put_u16(out, info->boot_id);
    out = put_f32(out, info->acc_mps2_per_count);
    out = put_f32(out, info->gyr_rads_per_count);
    for (uint8_t axis = 1; axis <= 3; axis++)
        out = put_u8(out, axis); /* x, y, z of the housing */
    put_u8(out, HB_BUFFER_S);
}

static void configure(hb_band *band, uint8_t rate_code, uint8_t acc_range_g, uint16_t gyr_range_dps)
{
    hb_info *info = &band->info;
    info->rate_code = rate_code;
    info->acc_range_g = acc_range_g;
    info->gyr_range_dps = gyr_range_dps;
    info->acc_mps2_per_count = (float)(band->acc_gain * acc_range_g * STANDARD_GRAVITY / FULL_SCALE);
    info->gyr_rads_per_count = (float)(band->gyr_gain * gyr_range_dps * RADIANS / FULL_SCALE);
}

void hb_init(hb_band *band, hb_packet *slots, uint16_t slot_count, uint16_t boot_id, double acc_gain, double gyr_gain)
{
    memset(band, 0, sizeof *band);
    band->slots = slots;
    band->slot_count = slot_count;
    band->info.boot_id = boot_id;
    band->acc_gain = acc_gain;
    band->gyr_gain = gyr_gain;
    configure(band, 3, 16, 2000);
}

/* The ring */

static void close_packet(hb_band *band)
{
    if (!band->open.n)
        return;
    band->open.seq = band->seq++;
    band->slots[band->head] = band->open;
    band->head = (uint16_t)((band->head + 1) % band->capacity);
    if (band->held < band->capacity)
        band->held++;
    if (band->waiting < band->held)
        band->waiting++;
    if (band->fresh < band->held)
        band->fresh++;
    band->open.n = 0;
    band->open.flags = 0;
}

void hb_sample(hb_band *band, uint32_t t_us, const int16_t counts[6], uint8_t flags)
{
    if (!band->measuring)
        return;
    hb_packet *open = &band->open;
    if (open->n) {
        uint32_t period_us = 1000000u / RATES_HZ[band->info.rate_code];
        uint32_t late_us = t_us - (open->t_us + open->n * period_us); /* the clock may wrap in between */
        if ((flags & HB_FIFO_OVERRUN) || late_us + period_us / 2 > period_us)
            close_packet(band);
    }
    if (!open->n)
        open->t_us = t_us;
    for (size_t axis = 0; axis < 6; axis++) {
        int16_t count = counts[axis];
        open->counts[open->n][axis] = count;
        if (count == INT16_MAX || count == INT16_MIN)
            flags = (uint8_t)(flags | (axis < 3 ? HB_ACC_CLIP : HB_GYR_CLIP));
    }
    open->flags = (uint8_t)(open->flags | (flags & (HB_ACC_CLIP | HB_GYR_CLIP | HB_FIFO_OVERRUN | HB_CHARGING)));
    if (++open->n == HB_PACKET_SAMPLES)
        close_packet(band);
}

void hb_end(hb_band *band)
{
    close_packet(band);
    band->measuring = false;
    band->ended = true;
}

size_t hb_packet_due(const hb_band *band, uint8_t *out, size_t room)
{
    if (!band->sending || !band->waiting)
        return 0;
    size_t at = (size_t)band->head + band->capacity - band->waiting;
    hb_packet packet = band->slots[at % band->capacity];
    if (band->waiting > band->fresh)
        packet.flags |= HB_REPLAYED;
    return hb_encode_packet(&packet, &band->info, out, room);
}

void hb_packet_sent(hb_band *band)
{
    if (!band->waiting)
        return;
    band->waiting--;
    if (band->fresh > band->waiting)
        band->fresh = band->waiting;
}

size_t hb_message_due(hb_band *band, uint8_t out[HB_MESSAGE_BYTES])
{
    if (!band->ended || !band->sending || band->waiting || band->told)
        return 0;
    band->told = true;
    put_u16(put_u8(out, HB_ENDED), band->seq);
    return HB_MESSAGE_BYTES;
}

void hb_disconnected(hb_band *band)
{
    band->sending = band->told = false;
}

/* The control point */

static uint8_t start(hb_band *band, const uint8_t *values, uint16_t att_mtu)
{
    uint8_t rate_code = values[0], acc_range_g = values[1];
    uint16_t gyr_range_dps = get_u16(values + 2);
    bool acc = false, gyr = false;
    for (size_t i = 0; i < sizeof ACC_RANGES_G / sizeof *ACC_RANGES_G; i++)
        acc = acc || ACC_RANGES_G[i] == acc_range_g;
    for (size_t i = 0; i < sizeof GYR_RANGES_DPS / sizeof *GYR_RANGES_DPS; i++)
        gyr = gyr || GYR_RANGES_DPS[i] == gyr_range_dps;
    if (!acc || !gyr || rate_code < 1 || rate_code > 4)
        return HB_IMPOSSIBLE_VALUE;
    const hb_info *info = &band->info;
    bool begun = band->measuring || band->ended;
    if (begun && (rate_code != info->rate_code || acc_range_g != info->acc_range_g || gyr_range_dps != info->gyr_range_dps))
        return HB_IMPOSSIBLE_VALUE;
    uint16_t capacity = (uint16_t)HB_RING_PACKETS(RATES_HZ[rate_code]);
    if (capacity > band->slot_count)
        return HB_IMPOSSIBLE_VALUE;
    if (att_mtu < HB_PACKET_BYTES + 3)
        return HB_MTU_TOO_SMALL;
    if (!begun) {
        configure(band, rate_code, acc_range_g, gyr_range_dps);
        band->capacity = capacity;
        band->measuring = true;
    }
    band->sending = true;
    return HB_DONE;
}

static void replay(hb_band *band, uint16_t seq)
{
    uint16_t back = (uint16_t)(band->seq - seq);
    band->waiting = back < band->held ? back : band->held;
    band->told = false;
}

size_t hb_command(hb_band *band, const uint8_t *in, size_t length, uint16_t att_mtu, uint32_t now_us,
                  uint8_t answer[HB_ANSWER_BYTES])
{
    static const uint8_t VALUE_BYTES[] = {0, 4, 0, 2, 0, 0}; /* by command */
    uint8_t command = length ? in[0] : 0;
    uint8_t *status = put_u8(put_u8(answer, HB_ANSWER), command), *end = status + 1;
    *status = HB_DONE;
    if (command < HB_START || command > HB_IDENTIFY)
        *status = HB_UNKNOWN_COMMAND;
    else if (length != 1u + VALUE_BYTES[command])
        *status = HB_IMPOSSIBLE_VALUE;
    else if (command == HB_START)
        *status = start(band, in + 1, att_mtu);
    else if (command == HB_STOP)
        band->sending = false;
    else if (command == HB_REPLAY) {
        replay(band, get_u16(in + 1));
        end = put_u16(end, (uint16_t)(band->seq - band->waiting));
    } else if (command == HB_PING)
        end = put_u16(put_u32(end, now_us), band->info.boot_id);
    else
        band->identify = true;
    return (size_t)(end - answer);
}
