/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_fec.c: what bit errors do to frames, in closed form.
 *
 * Sources: IEEE 802.3 clause 91.5.3 and 119.2.4: RS(544,514) over 10-bit
 * symbols corrects 15 of them; 256b/257b transcoding puts 5120 bits of 64B/66B
 * payload into the 5140 bits of a codeword.
 * Not modelled: bursts (errors are independent), mis-correction (its
 * probability is below 1/15! of a codeword's loss).
 */
#include "fabric_priv.h"

#include <math.h>

#define SYMBOLS 544
#define SYMBOL_BITS 10
#define CORRECTS 15
#define PAYLOAD_BITS 5120.0
#define FRAME_EXTRA_BYTES 12u /* preamble, start delimiter and FCS */

/* sum over i > 15 of C(544, i) p^i (1 - p)^(544 - i), p of a symbol */
double fabric_kp4_codeword_loss(double ber)
{
    double p = -expm1(SYMBOL_BITS * log1p(-ber)), sum = 0;

    if (!(ber > 0)) {
        return 0;
    }
    for (int i = SYMBOLS; i > CORRECTS; i--) {
        sum += exp(lgamma(SYMBOLS + 1.0) - lgamma(i + 1.0) -
                   lgamma(SYMBOLS - i + 1.0) + i * log(p) +
                   (SYMBOLS - i) * log1p(-p));
    }
    return fmin(sum, 1);
}

/*
 * Without FEC all bits from the preamble to the FCS must be right. With it,
 * all codewords the frame touches; a frame of n bits that begins anywhere
 * touches 1 + (n - 1) / 5120 on average.
 */
double fabric_frame_loss(double ber, FabricFec fec, uint32_t bytes)
{
    double bits = 8.0 * (bytes + FRAME_EXTRA_BYTES);

    if (!(ber > 0)) {
        return 0;
    }
    if (fec == FABRIC_FEC_KP4) {
        return -expm1((1 + (bits - 1) / PAYLOAD_BITS) *
                      log1p(-fabric_kp4_codeword_loss(ber)));
    }
    return -expm1(bits * log1p(-ber));
}
