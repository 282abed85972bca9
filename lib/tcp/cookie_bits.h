/* SPDX-License-Identifier: BSD-3-Clause */
/* cookie_bits.h (private to tcp): the ruler of a cookie (SC-01, SC-03).
 *
 *           31                                         3   2   1   0
 *          +---------------------------------------------+---+-------+
 *     ISN  |                    MAC29                    | P |  MSS  |   low three: xor bits 5..3
 *          +---------------------------------------------+---+-------+
 *           31                17 16              6   5   4   3     0
 *          +--------------------+------------------+---+---+---------+
 *   TSval  |        HI15        |      MAC11       | S | E |  scale  |
 *          +--------------------+------------------+---+---+---------+
 *
 * P: parity of the epoch. MSS: index of the table. HI15: the epoch, hidden by a number of the tuple
 * that stays for ever, so that it grows as a clock of 1 ms does, 131 s a step. S: SACK, E: ECN,
 * scale: the peer's, 15 = none. MAC29 and MAC11 are of one hash over tuple, IRS and all that is
 * promised, under the epoch's key. The low bits of the ISN hide under its next three, which are
 * MAC: a stranger sees no bits that stand still. */
#ifndef TG_TCP_COOKIE_BITS_H
#define TG_TCP_COOKIE_BITS_H

enum {
	COOKIE_MAC_BITS = 29,
	COOKIE_PARITY_BITS = 1,
	COOKIE_INDEX_BITS = 2,
	COOKIE_EPOCH_BITS = 15,
	COOKIE_TSMAC_BITS = 11,
	COOKIE_OPTION_BITS = 6,
	COOKIE_EPOCHS_BACK = 3, /* how far back a cookie is still known as one: e-3 */
};

#endif
