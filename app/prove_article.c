/* SPDX-License-Identifier: BSD-3-Clause */
/* prove_article.c: the three questions that everybody who learns TCP asks, answered by experiment:
 * the rule is taken away, and the shortest way to the damage is drawn. Then what else keeps it so.
 */
#include "prove_show.h"

#include "cli.h"

#include <stdio.h>

enum { EN, ZH, LANGUAGES };

struct part {
	const char *question[LANGUAGES];
	const char *experiment[LANGUAGES];
	const char *answer[LANGUAGES];
	enum tg_prove_rule rule;
	enum tg_prove_property property;
	const char *scenario;
};

static const char *const begin[LANGUAGES] = {
    [EN] = "Three questions about TCP, answered by the program that keeps its rules.\n\n"
	   "Each experiment takes one rule away from the state machine that `tidegate serve` runs, "
	   "lets\n"
	   "two ends and a network do everything that they can do, and draws the shortest way to "
	   "where\n"
	   "it goes wrong. The network may lose, delay, reorder and repeat segments, and nothing "
	   "else.\n"
	   "With all rules in place `tidegate prove` looks at the same worlds and finds nothing.\n",
    [ZH] =
	"关于 TCP 的三个问题，由遵守其规则的程序自己来回答。\n\n"
	"每个实验从 `tidegate serve` 所运行的状态机上拿掉一条规则，让两端和网络做它们能做的一切，\n"
	"然后画出通向错误的最短路径。网络可以丢失、延迟、乱序、重复报文段，除此之外什么也不能做。\n"
	"规则齐全时，`tidegate prove` 查看同样的情形，找不到任何错误。\n",
};

static const struct part parts[] = {
    {.question = {"1. Why three handshakes?", "一、为什么是三次握手？"},
     .experiment =
	 {"A server that counts a connection as open when the SYN has come: two segments are "
	  "enough\n"
	  "then, SYN and SYN-ACK. The client's SYN is late, and the client has given up meanwhile.",
	  "让服务器收到 SYN 就认为连接已经建立：这样两个报文段（SYN 和 SYN-ACK）就够了。\n"
	  "客户端的 SYN 在网络中滞留，而客户端这时已经放弃。"},
     .answer =
	 {"The server holds a connection that nobody wants: it waits, and keeps memory, for a\n"
	  "client that is gone. An old SYN looks like a new one, and only the client knows which\n"
	  "it is. So the server asks back, with a number of its own in the SYN-ACK, and the\n"
	  "third segment says: yes, I am here, and I saw your number. A client that knows of no\n"
	  "such connection answers RST instead. Two segments cannot do that; four are not\n"
	  "needed, for the second one carries both ACK and SYN. (RFC 9293 3.5)",
	  "服务器保留着一个谁也不要的连接：它为一个已经离开的客户端等待，并占用内存。\n"
	  "旧的 SYN 和新的 SYN 看起来一样，只有客户端知道它是哪一个。所以服务器要反问一句：\n"
	  "在 SYN-ACK 里带上自己的序号；第三个报文段回答：是的，我在，并且看到了你的序号。\n"
	  "如果客户端不知道有这个连接，它会回答 RST。两个报文段做不到这一点；\n"
	  "四个也没有必要，因为第二个报文段同时携带了 ACK 和 SYN。（RFC 9293 3.5）"},
     .rule = TG_PROVE_HANDSHAKE_2,
     .property = TG_PROVE_STALE_SYN,
     .scenario = "stale"},
    {.question = {"2. Why four waves?", "二、为什么是四次挥手？"},
     .experiment =
	 {"An end that answers a FIN by its own FIN at once, as the handshake does it with\n"
	  "SYN and ACK: three segments would be enough. Its user has something to say yet.",
	  "让一端收到 FIN 就立刻回以自己的 FIN，就像握手时把 SYN 和 ACK 合在一起那样：\n"
	  "这样三个报文段就够了。但是它的用户还有话要说。"},
     .answer =
	 {"The user has not closed, and cannot send any more. A FIN says: I have sent all\n"
	  "that I had. It says nothing about the other direction: who gets it may have much to\n"
	  "send (half-close: a request is complete, its answer is not). When the answer to the "
	  "FIN\n"
	  "is due, its ACK, only the user knows when the second FIN is; so they are two segments.\n"
	  "Where the user has nothing more to say, both leave as one, and three are seen on the\n"
	  "wire: allowed, but never forced. (RFC 9293 3.6)",
	  "用户并没有关闭连接，却再也不能发送了。FIN 的意思是：我要发的都发完了。\n"
	  "它与另一个方向无关：收到 FIN 的一端可能还有许多数据要发\n"
	  "（半关闭：请求已经说完，回答还没有）。对 FIN 的确认必须马上发出，\n"
	  "而第二个 FIN 什么时候发，只有用户知道；所以这是两个报文段。\n"
	  "如果用户已经没有话要说，两者可以合成一个，线上就只看到三个报文段：\n"
	  "这是允许的，但不能强迫。（RFC 9293 3.6）"},
     .rule = TG_PROVE_WAVES_3,
     .property = TG_PROVE_CAN_SEND,
     .scenario = "half-close"},
    {.question = {"3. Why does TIME-WAIT last 2MSL? First: the last ACK may be lost.",
		  "三、为什么 TIME-WAIT 要等 2MSL？第一：最后的 ACK 可能丢失。"},
     .experiment =
	 {"The end that closes first forgets the connection as soon as both FINs are\n"
	  "acknowledged. Its last ACK does not arrive.",
	  "让先关闭的一端在两个 FIN 都被确认之后立刻忘掉连接。它的最后一个 ACK 没有到达。"},
     .answer =
	 {"The other end sends its FIN again, as it must, and is answered by a RST: it did\n"
	  "everything right, and can no longer know whether what it sent was taken, or thrown\n"
	  "away. In TIME-WAIT the FIN is recognised and acknowledged again, as often as it comes.\n"
	  "(RFC 9293 3.6.1, RFC 1337)",
	  "另一端按照规则重传它的 FIN，得到的却是 RST：它一切都做对了，却再也无法知道，\n"
	  "它发送的数据是被收下了，还是被丢弃了。处在 TIME-WAIT 时，重传的 FIN "
	  "会被认出并再次确认，\n"
	  "无论它来多少次。（RFC 9293 3.6.1，RFC 1337）"},
     .rule = TG_PROVE_MSL_0,
     .property = TG_PROVE_LAST_ACK,
     .scenario = "close"},
    {.question = {"   Second: old duplicates must die before the four-tuple is used again.",
		  "　　第二：在四元组被再次使用之前，旧的重复报文段必须消亡。"},
     .experiment =
	 {"Again without TIME-WAIT. The same two ports are used by a next connection at\n"
	  "once, while segments of the one before are still on the way.",
	  "同样没有 TIME-WAIT。同一对端口马上被下一个连接使用，而前一个连接的报文段还在路上。"},
     .answer =
	 {"A byte of the first connection has a number that fits the second one's window, and\n"
	  "is delivered as if it belonged there: the user reads what was never written to him,\n"
	  "and no checksum sees it. A segment lives one MSL at most. Our last ACK may live that\n"
	  "long, and a FIN that was sent again just before it arrived as long again: after 2MSL\n"
	  "nothing of the old connection is left in the network. (RFC 9293 3.4.3)",
	  "前一个连接的一个字节，其序号正好落在后一个连接的窗口里，于是被当作后者的数据交付：\n"
	  "用户读到了从来没有写给他的内容，任何校验和都发现不了。一个报文段最多存活一个 MSL。\n"
	  "我们最后的 ACK 可能存活这么久，而在它到达之前刚刚重传的 FIN 又可能存活这么久：\n"
	  "2MSL 之后，旧连接在网络里什么也不剩。（RFC 9293 3.4.3）"},
     .rule = TG_PROVE_MSL_0,
     .property = TG_PROVE_FOREIGN_BYTE,
     .scenario = "again"},
    {.question = {"What else keeps it so? Numbers that move with the clock.",
		  "还有什么在保护连接？随时钟前进的初始序号。"},
     .experiment = {"Every connection begins at the same number. A client crashes, knows of no\n"
		    "TIME-WAIT any more, and opens again.",
		    "让每个连接都从同一个序号开始。客户端崩溃，忘记了一切，然后重新打开连接。"},
     .answer =
	 {"What was on the way before the crash fits the new connection, and is read. With\n"
	  "numbers that a clock moves (and a secret hides) the new connection begins where no\n"
	  "old segment can be. (RFC 9293 3.4.1, RFC 6528)",
	  "崩溃之前还在路上的报文段正好适合新连接，于是被读入。初始序号由时钟推动\n"
	  "（并由密钥隐藏），新连接就从旧报文段到不了的地方开始。（RFC 9293 3.4.1，RFC 6528）"},
     .rule = TG_PROVE_ISN_FIXED,
     .property = TG_PROVE_FOREIGN_BYTE,
     .scenario = "crash"},
    {.question = {"A RST must fit.", "RST 必须吻合。"},
     .experiment = {"Any RST of the right addresses and ports ends the connection.",
		    "让任何地址和端口相符的 RST 都能终止连接。"},
     .answer =
	 {"A RST that was for the connection before ends the one that begins now; and so could\n"
	  "anyone who guesses four numbers. It is taken only when its number is exactly the next\n"
	  "one. (RFC 5961 3.2)",
	  "一个属于前一个连接的 RST，终止了现在的连接；任何能猜到四个数字的人也都做得到。\n"
	  "只有序号恰好等于下一个期待的序号时，RST 才被接受。（RFC 5961 3.2）"},
     .rule = TG_PROVE_NO_RST_CHECK,
     .property = TG_PROVE_OLD_RST,
     .scenario = "crash"},
    {.question = {"What does not fit must be answered.", "不吻合的报文段必须得到回答。"},
     .experiment =
	 {"SYNs and RSTs that do not fit are dropped without a word. The client has crashed,\n"
	  "and opens the same connection again.",
	  "让不吻合的 SYN 和 RST 被悄悄丢弃。客户端崩溃之后，重新打开同一个连接。"},
     .answer =
	 {"The server thinks that it is connected, and the client's SYN comes again and again to\n"
	  "nobody: both wait for ever. A challenge ACK tells the client what the server believes;\n"
	  "the client's RST has exactly the number that was named, and the way is free.\n"
	  "(RFC 9293 3.5.1, RFC 5961 4.2)",
	  "服务器以为连接还在，客户端的 SYN 一次又一次地来，却无人理睬：双方永远等待。\n"
	  "挑战 ACK 告诉客户端服务器所相信的状态；客户端的 RST 恰好带着其中所说的序号，\n"
	  "于是道路畅通。（RFC 9293 3.5.1，RFC 5961 4.2）"},
     .rule = TG_PROVE_NO_CHALLENGE,
     .property = TG_PROVE_DISCOVERED,
     .scenario = "crash"},
};

enum { PART_N = sizeof(parts) / sizeof(parts[0]) };

static const char *const word_experiment[LANGUAGES] = {"Experiment: ", "实验："};
static const char *const word_answer[LANGUAGES] = {"Answer: ", "回答："};

static bool go_on(void *ctx, const struct tg_prove_progress *p)
{
	(void)ctx;
	(void)p;
	return !tg_cli_is_interrupted();
}

static bool show(const struct tg_prove_view *v, const struct part *p, int language)
{
	const struct tg_prove_scenario *scenario = tg_prove_scenario_find(p->scenario);
	struct tg_prove_options o = {.scenario = scenario,
				     .level = 1,
				     .without = p->rule,
				     .properties = 1u << p->property,
				     .progress = go_on};
	struct tg_prove_result r;
	char sentence[200];
	bool ok;

	printf("\n%s\n\n%s%s\n\n", p->question[language], word_experiment[language],
	       p->experiment[language]);
	fflush(stdout);
	tg_prove_run(&o, &r);
	ok = r.outcome == TG_PROVE_BROKEN;
	if (ok) {
		snprintf(sentence, sizeof(sentence),
			 "Does not hold: %s. %u steps, and in none fewer.",
			 tg_prove_property_text(p->property), r.moves);
		ok = tg_prove_draw(v, &r, scenario, sentence);
	} else {
		tg_cli_failed("prove", "%s: nothing broke without its rule", p->scenario);
	}
	printf("%s%s\n", word_answer[language], p->answer[language]);
	tg_prove_free(&r);
	return ok;
}

int tg_prove_article(const struct tg_prove_view *v, bool chinese)
{
	int language = chinese ? ZH : EN, rc = TG_EXIT_OK;

	fputs(begin[language], stdout);
	for (int i = 0; i < PART_N && !tg_cli_is_interrupted(); i++)
		if (!show(v, &parts[i], language))
			rc = TG_EXIT_FAILED;
	return rc;
}
