// Verifies a folder of archive files and anchors: node verify.js FOLDER [--json]
// or in a browser, opened from a file: verify.html. Depends on nothing; docs/audit.md has the format.
"use strict";

const chatAgentVerify = (() => {
  const GENESIS = "0".repeat(64);
  const DAMAGED = "From here on it can't be decompressed: the file is damaged or cut off.";
  const UNENDED = "Its last line has no end: the file is cut off.";
  const STATUSES = ["success", "rejected", "failed", "pending_approval"];
  const FILE = /(?:^|\/)((?:executions|anchors|forks)\/org=.+)$/;
  const ANCHOR_KEY = /^anchors\/org=([0-9a-f-]{36})\/([^/]+)\.json$/;
  const NOTICE_KEY = /^forks\/org=([0-9a-f-]{36})\/([^/]+)-([0-9]{4})\.jsonl$/;
  const OBJECT_KEY = new RegExp(
    "^executions/org=([0-9a-f-]{36})/dt=([0-9]{4}-[0-9]{2}-[0-9]{2})" +
      "/part-([0-9]{4,8})-([0-9a-f]{16})\\.jsonl\\.gz$");

  /** The trail ends here: one sentence, and as much of the place as is known. */
  class Broken extends Error {
    constructor(problem, where = {}) {
      super(problem);
      this.finding = { problem, object: null, line: null, project: null, seq: null, ...where };
    }
    within(where) {
      for (const [name, at] of Object.entries(where)) this.finding[name] ??= at ?? null;
      return this;
    }
  }

  // SHA-256, FIPS 180-4 ------------------------------------------------------------------------

  const [ROUND, START] = (() => {
    const primes = [];
    for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
    const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
    return [Int32Array.from(primes, (p) => fraction(Math.cbrt(p))),
      Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)))];
  })();

  /** The SHA-256 of byte arrays, one after the other, in lower-case hex. */
  function sha256(...parts) {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const state = Int32Array.from(START), block = new Uint8Array(64), words = new Int32Array(64);
    let filled = 0;
    for (const part of parts) {
      for (let at = 0; at < part.length;) {
        const taken = Math.min(64 - filled, part.length - at);
        block.set(part.subarray(at, at + taken), filled);
        at += taken;
        filled = (filled + taken) % 64;
        if (filled === 0) compress(state, block, words);
      }
    }
    block.fill(0, filled);
    block[filled] = 0x80;
    if (filled >= 56) {
      compress(state, block, words);
      block.fill(0);
    }
    new DataView(block.buffer).setBigUint64(56, BigInt(length) * 8n);
    compress(state, block, words);
    return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  function compress(state, block, w) {
    for (let i = 0; i < 16; i++) {
      const at = i * 4;
      w[i] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) | block[at + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let a = state[0], b = state[1], c = state[2], d = state[3];
    let e = state[4], f = state[5], g = state[6], h = state[7];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }

  // gunzip, RFC 1952 and 1951 --------------------------------------------------------------------
  // DecompressionStream takes one member only in Chromium, and tells nothing of a damaged file.

  const LENGTHS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83,
    99, 115, 131, 163, 195, 227, 258];
  const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5,
    5, 5, 0];
  const DISTANCES = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769,
    1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
  const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  const CRC = Int32Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
    return n;
  });
  const CUT = new Error("cut off"), BAD = new Error("damaged");

  class Inflate {
    constructor(data, at) {
      Object.assign(this, { data, at, bits: 0, held: 0, length: 0, mark: 0 });
      this.out = new Uint8Array(1 << 16);
    }
    /** One more byte; what was written before it is known to be in order. */
    byte() {
      if (this.at >= this.data.length) throw CUT;
      this.mark = this.length;
      return this.data[this.at++];
    }
    take(count) {
      while (this.held < count) {
        this.bits |= this.byte() << this.held;
        this.held += 8;
      }
      const value = this.bits & ((1 << count) - 1);
      this.bits >>>= count;
      this.held -= count;
      return value;
    }
    symbol({ counts, symbols }) {
      for (let code = 0, first = 0, index = 0, length = 1; length < 16; length++) {
        code |= this.take(1);
        const count = counts[length];
        if (code - count < first) return symbols[index + code - first];
        index += count;
        first = (first + count) << 1;
        code <<= 1;
      }
      throw BAD;
    }
    room(more) {
      if (this.length + more <= this.out.length) return;
      const larger = new Uint8Array(Math.max(this.out.length * 2, this.length + more));
      larger.set(this.out.subarray(0, this.length));
      this.out = larger;
    }
    stored() {
      this.bits = this.held = 0;
      const size = this.byte() | (this.byte() << 8), check = this.byte() | (this.byte() << 8);
      if (size !== (~check & 0xffff)) throw BAD;
      this.room(size);
      for (let i = 0; i < size; i++) {
        const byte = this.byte();
        this.out[this.length++] = byte;
      }
    }
    compressed(literals, distances) {
      for (;;) {
        const symbol = this.symbol(literals);
        if (symbol === 256) return;
        this.room(258);
        if (symbol < 256) this.out[this.length++] = symbol;
        else this.copy(symbol - 257, distances);
      }
    }
    copy(symbol, distances) {
      if (symbol >= LENGTHS.length) throw BAD;
      const length = LENGTHS[symbol] + this.take(LENGTH_BITS[symbol]);
      const far = this.symbol(distances);
      if (far >= DISTANCES.length) throw BAD;
      const distance = DISTANCES[far] + this.take(far < 2 ? 0 : (far >> 1) - 1);
      if (distance > this.length) throw BAD;
      for (let i = 0; i < length; i++, this.length++) this.out[this.length] = this.out[this.length - distance];
    }
    dynamic() {
      const literals = this.take(5) + 257, distances = this.take(5) + 1, codes = this.take(4) + 4;
      if (literals > 286 || distances > 30) throw BAD;
      const lengths = new Array(19).fill(0);
      for (let i = 0; i < codes; i++) lengths[CODE_ORDER[i]] = this.take(3);
      const all = this.lengths(huffman(lengths, true), literals + distances);
      if (all[256] === 0) throw BAD;
      this.compressed(huffman(all.slice(0, literals)), huffman(all.slice(literals)));
    }
    lengths(code, count) {
      const all = [];
      while (all.length < count) {
        const symbol = this.symbol(code);
        if (symbol < 16) { all.push(symbol); continue; }
        if (symbol === 16 && !all.length) throw BAD;
        const value = symbol === 16 ? all[all.length - 1] : 0;
        const times = symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7);
        if (all.length + times > count) throw BAD;
        for (let i = 0; i < times; i++) all.push(value);
      }
      return all;
    }
    blocks() {
      for (let last = 0; !last;) {
        last = this.take(1);
        const kind = this.take(2);
        if (kind === 3) throw BAD;
        if (kind === 0) this.stored();
        else if (kind === 1) this.compressed(FIXED_LITERALS, FIXED_DISTANCES);
        else this.dynamic();
      }
    }
    trailer() {
      this.bits = this.held = 0;
      let crc = -1;
      for (let i = 0; i < this.length; i++) crc = CRC[(crc ^ this.out[i]) & 255] ^ (crc >>> 8);
      for (const expected of [~crc, this.length]) {
        let given = 0;
        for (let i = 0; i < 4; i++) given |= this.byte() << (8 * i);
        if (given !== (expected | 0)) throw BAD;
      }
    }
  }

  /** A canonical Huffman code; over-subscribed ones are refused, incomplete ones but for one bit. */
  function huffman(lengths, whole = false) {
    const counts = new Array(16).fill(0);
    for (const length of lengths) counts[length]++;
    const offsets = [0, 0];
    let left = 1;
    for (let length = 1; length < 16; length++) {
      left = left * 2 - counts[length];
      if (left < 0) throw BAD;
      offsets[length + 1] = offsets[length] + counts[length];
    }
    const most = counts.findLastIndex((count, length) => length && count);
    if (left > 0 && most > 0 && (whole || most !== 1)) throw BAD;
    const symbols = [];
    lengths.forEach((length, symbol) => { if (length) symbols[offsets[length]++] = symbol; });
    return { counts, symbols };
  }

  const FIXED_LITERALS = huffman(Array.from({ length: 288 }, (_, i) => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
  const FIXED_DISTANCES = huffman(new Array(32).fill(5));
  const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];

  /** Each gzip member's bytes; of a damaged one those before the damage, and then Broken. */
  function* members(data) {
    for (let at = 0; at < data.length;) {
      if (data.length - at < 10 || HEADER.some((byte, i) => data[at + i] !== byte)) throw new Broken(DAMAGED);
      const member = new Inflate(data, at + 10);
      try {
        member.blocks();
        member.trailer();
      } catch (error) {
        if (error !== CUT && error !== BAD) throw error;
        yield member.out.subarray(0, error === CUT ? member.length : member.mark);
        throw new Broken(DAMAGED);
      }
      yield member.out.subarray(0, member.length);
      at = member.at;
    }
  }

  function* lines(data) {
    let rest = new Uint8Array(0);
    for (const piece of members(data)) {
      let start = 0;
      for (let end; (end = piece.indexOf(10, start)) >= 0; start = end + 1) {
        yield rest.length ? joined(rest, piece.subarray(start, end)) : piece.subarray(start, end);
        rest = new Uint8Array(0);
      }
      rest = joined(rest, piece.subarray(start));
    }
    if (rest.length) throw new Broken(UNENDED);
  }

  function joined(one, other) {
    const both = new Uint8Array(one.length + other.length);
    both.set(one);
    both.set(other, one.length);
    return both;
  }

  // Canonical JSON, RFC 8785 ---------------------------------------------------------------------

  const encode = (text) => new TextEncoder().encode(text);

  /** The one canonical text of a JSON value; ECMAScript writes numbers as RFC 8785 says. */
  function canonical(value, levels = 128) {
    if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError("not a number");
    if (typeof value === "string" && /\p{Surrogate}/u.test(value)) throw new RangeError("not Unicode");
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    if (levels === 0) throw new RangeError("too deep");
    if (Array.isArray(value)) return `[${value.map((item) => canonical(item, levels - 1)).join(",")}]`;
    const members = Object.keys(value).sort()
      .map((key) => `${canonical(key)}:${canonical(value[key], levels - 1)}`);
    return `{${members.join(",")}}`;
  }

  /** A value from its canonical text; `write` may write it in another way than as a whole. */
  function readCanonical(bytes, write = canonical) {
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      const value = JSON.parse(text);
      if (write(value) === text) return value;
    } catch (error) {
      if (!["SyntaxError", "TypeError", "RangeError"].includes(error.name)) throw error;
    }
    throw new Broken("This is not canonical JSON.");
  }

  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const isText = (value, pattern) => typeof value === "string" && pattern.test(value);
  const isHash = (value) => isText(value, /^[0-9a-f]{64}$/);
  const isId = (value) => isText(value, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const isMoment = (value) =>
    isText(value, /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$/);
  const isCount = (value, least = 0) => Number.isSafeInteger(value) && value >= least;
  const hasExactly = (value, names) =>
    isObject(value) && Object.keys(value).length === names.length &&
    names.every((name) => Object.hasOwn(value, name));

  // Lines ----------------------------------------------------------------------------------------

  function readLine(bytes) {
    let texts = {};
    const line = readCanonical(bytes, (value) => {
      if (!isLine(value)) return canonical(value);
      texts = { record: canonical(value.record, 127), payload: canonical(value.payload, 127) };
      return `{"hash":"${value.hash}","payload":${texts.payload},"record":${texts.record},` +
        `"salt":${canonical(value.salt)}}`;
    });
    if (!isLine(line))
      throw new Broken("This is not an archived execution: its members are others, or of other types.");
    const { hash, payload, record, salt } = line;
    if (!isRecord(record))
      throw new Broken("This is not a record: a member is missing, or of another type.");
    const where = { project: record.project, seq: record.seq };
    if (sha256(encode(texts.record)) !== hash)
      throw new Broken("Its hash is not that of its record: one of them was altered.", where);
    if (payload !== null && sha256(fromHex(salt), encode(texts.payload)) !== record.payload_hash)
      throw new Broken("Its payload is not the one that its record says: it or the salt was altered.", where);
    return { ...record, hash, erased: payload === null, claims: claimsOf(record, payload, where) };
  }

  function isLine(line) {
    return hasExactly(line, ["hash", "payload", "record", "salt"]) && isObject(line.record) && isHash(line.hash) &&
      (line.payload === null ? line.salt === null
        : isObject(line.payload) && isText(line.salt, /^[0-9a-f]{32}$/));
  }

  /** What an execution says was abandoned; null where it is no such record, or was erased. */
  function claimsOf(record, payload, where) {
    const recorded = payload !== null && ["project.recover", "project.restore"].includes(record.action) &&
      record.status === "success" && isObject(record.principal) && record.principal.kind === "system";
    if (!recorded || !isObject(payload.inputs) || !Object.hasOwn(payload.inputs, "abandoned")) return null;
    const said = payload.inputs.abandoned;
    if (!Array.isArray(said) || !said.every(isClaim))
      throw new Broken("It records what was abandoned in another form than executions do.", where);
    return said;
  }

  const isClaim = (said) => hasExactly(said, ["project", "first_seq", "last_seq", "hash", "anchor"]) &&
    isCount(said.first_seq, 1) && isCount(said.last_seq, said.first_seq) &&
    [said.project, said.hash, said.anchor].every((text) => typeof text === "string");

  function isRecord(record) {
    const succeeded = record.status === "success";
    return STATUSES.includes(record.status) && record.v === 1 && isId(record.org) && isId(record.project) &&
      isCount(record.seq, 1) && isMoment(record.at) && isCount(record.base_version) &&
      succeeded === Object.hasOwn(record, "version") && (!succeeded || isCount(record.version, 1)) &&
      isHash(record.payload_hash) && isHash(record.prev_hash);
  }

  const fromHex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));

  // Chains ---------------------------------------------------------------------------------------

  class Chains {
    constructor(pins) {
      this.pins = pins;
      this.heads = new Map();
    }
    head(project) {
      if (!this.heads.has(project))
        this.heads.set(project, { seq: 0, hash: GENESIS, at: "", version: 0, pinned: 0 });
      return this.heads.get(project);
    }
    add(line) {
      const { project, seq } = line, head = this.head(project);
      if (seq > head.seq + 1)
        throw new Broken(`It is missing: after seq ${head.seq} the next one here is seq ${seq}.`,
          { project, seq: head.seq + 1 });
      const problem = unlinked(head, line) ?? this.unpinned(head, line) ?? this.forked(line);
      if (problem) throw new Broken(problem, { project, seq });
      move(head, line);
    }
    /** Why an execution may not say what was abandoned: no notice says so. */
    forked({ claims, hash }) {
      return claims?.length && !this.pins.records.has(hash)
        ? "It says what was abandoned, and no notice beside the anchors does." : null;
    }
    unpinned(head, line) {
      const pin = this.pins.of(line.project, line.seq);
      if (!pin) return null;
      if (pin.hash !== line.hash) {
        const since = head.pinned + 1;
        const made = since === line.seq ? "it" : `it, or one from seq ${since} on,`;
        return `Its hash is not the one in the anchor of ${pin.at}: ${made} was made anew.`;
      }
      head.pinned = line.seq;
      return null;
    }
  }

  const move = (head, { seq, hash, at, version }) =>
    Object.assign(head, { seq, hash, at, version: version ?? head.version });

  function unlinked(head, line) {
    if (line.seq <= head.seq)
      return line.seq === head.seq && line.hash === head.hash ? "It is there twice." : "Its seq has been before.";
    if (line.prev_hash !== head.hash)
      return `Its prev_hash is not the hash of seq ${head.seq}: they are of different chains.`;
    if (line.at < head.at) return `Its moment lies before that of seq ${head.seq}.`;
    if (line.base_version !== head.version)
      return `Its base_version is ${line.base_version}, and the one before left ${head.version}.`;
    if ("version" in line && line.version !== head.version + 1)
      return `Its version is ${line.version}, and the one before left ${head.version}.`;
    return null;
  }

  // Anchors and forks ----------------------------------------------------------------------------

  /** The hashes that anchors hold; a fork puts out of force what those before it say from its seq on. */
  class Pins {
    constructor() {
      Object.assign(this, { forks: [], records: new Set(), held: new Map(), left: [], heads: new Map() });
    }
    of(project, seq) {
      return this.held.get(project)?.get(seq);
    }
    /** Holds a hash; answers the anchor's that held another before. */
    hold(project, seq, hash, at) {
      const pin = entry(entry(this.held, project, () => new Map()), seq, () => ({ hash, at }));
      return pin.hash === hash ? null : pin;
    }
    known(project) {
      return this.heads.get(project) ?? { seq: 0, hash: GENESIS };
    }
    lost(project) {
      return this.forks.some(({ claim, lost }) => lost && claim.project === project);
    }
    /** Take a fork as recorded; what the last anchor says against it, if it does. */
    abandon(fork) {
      const { project, first_seq: first, last_seq: last, hash, anchor } = fork.claim, known = this.known(project);
      if (last < known.seq || (last === known.seq && hash !== known.hash))
        return `It says that executions up to seq ${last} were abandoned:` +
          ` the anchor of ${anchor} knew up to seq ${known.seq}, or other ones.`;
      this.forks.push({ ...fork, known: known.seq === last });
      const left = new Map([...this.held.get(project) ?? []].filter(([seq]) => seq >= first));
      for (const seq of left.keys()) this.held.get(project).delete(seq);
      this.left.push([fork, left]);
      this.heads.delete(project);
      return null;
    }
    /** Why an execution can't be one that a fork has abandoned; null where it can. */
    unabandoned(line) {
      let wrong = "Its seq has been before.";
      for (const [fork, left] of this.left) {
        if (!covers(fork, line)) continue;
        const pin = left.get(line.seq);
        if (!pin || pin.hash === line.hash) return null;
        wrong = `It was abandoned, and its hash is not the one in the anchor of ${pin.at}.`;
      }
      return wrong;
    }
  }

  function entry(map, key, make) {
    if (!map.has(key)) map.set(key, make());
    return map.get(key);
  }

  /** What the archive holds beside the chains: executions of branches that were abandoned. */
  class Branches {
    constructor(pins) {
      Object.assign(this, { pins, ends: new Map() });
    }
    has({ hash }) {
      return this.ends.has(hash);
    }
    leadsTo(line) {
      return this.ends.has(line.prev_hash) || this.start(line) !== null;
    }
    /** With `gaps`, also after one that is gone: what anchors listed is bound by its object's hash. */
    add(line, gaps) {
      const { project, seq, hash } = line;
      const gone = gaps ? { seq: seq - 1, hash: line.prev_hash, at: "", version: line.base_version } : null;
      const before = this.ends.get(line.prev_hash) ?? this.start(line) ?? gone;
      const problem = this.pins.unabandoned(line) ??
        (before ? unlinked(before, line) : "Its seq has been before.");
      if (problem) throw new Broken(problem, { project, seq });
      this.ends.set(hash, { seq, hash, at: line.at, version: line.version ?? before.version });
    }
    endsWith({ claim }) {
      return this.ends.get(claim.hash)?.seq === claim.last_seq;
    }
    /** What a branch that begins with an execution has left, by a fork. */
    start({ project, seq, hash, prev_hash: before }) {
      if (this.pins.of(project, seq)?.hash === hash) return null;
      const fork = this.pins.forks.find(({ claim, ...from }) => claim.project === project &&
        claim.first_seq === seq && from.hash === before);
      return fork ? { seq: seq - 1, hash: before, at: "", version: fork.version } : null;
    }
  }

  const covers = ({ claim }, { project, seq, hash }) => claim.project === project &&
    claim.first_seq <= seq && (seq < claim.last_seq || (seq === claim.last_seq && hash === claim.hash));

  /** The executions of a notice after the anchor of a moment, by project. */
  function readNotice(org, at, body) {
    const texts = [...cutLines(body)].map(readLine), projects = texts.map(({ project }) => project);
    const wrong = "It is no notice of a fork: its lines are others, or in another order.";
    if (!texts.length || body.at(-1) !== 10 || projects.some((project, i) => i && projects[i - 1] >= project))
      throw new Broken(wrong);
    for (const line of texts) {
      const where = { project: line.project, seq: line.seq };
      if (line.org !== org || line.claims === null) throw new Broken(wrong, where);
      const problem = line.claims.map((claim) => misplaced(line, claim, at)).find(Boolean);
      if (problem) throw new Broken(problem, where);
    }
    return texts;
  }

  function* cutLines(body) {
    const end = body.at(-1) === 10 ? body.length - 1 : body.length;
    for (let from = 0; from <= end;) {
      const found = body.indexOf(10, from), to = found < 0 || found > end ? end : found;
      yield body.subarray(from, to);
      from = to + 1;
    }
  }

  /** Why an execution can't say so: its own chain forks at itself, another one is lost whole. */
  function misplaced(line, claim, at) {
    if (claim.anchor !== at)
      return `It names the anchor of ${claim.anchor} for what was abandoned, not that of ${at}.`;
    const first = claim.project === line.project ? line.seq : 1;
    return claim.first_seq === first ? null
      : `It says that what was abandoned began at seq ${claim.first_seq}, and not at ${first}.`;
  }

  class Anchors {
    constructor(org) {
      Object.assign(this, { org, count: 0, at: "", digest: GENESIS, pins: new Pins() });
      [this.archived, this.objects, this.reached, this.open] = [new Map(), new Map(), new Map(), null];
      this.purged = new Set();
    }
    add(key, body) {
      try {
        if (NOTICE_KEY.test(key)) return this.fork(key, body);
        this.take(key, readCanonical(body));
      } catch (error) {
        throw error instanceof Broken ? error.within({ object: key }) : error;
      }
      this.digest = sha256(body);
    }
    end() {
      if (this.open)
        throw new Broken("No anchor follows it: the recovery was not finished. Run `chat-agent recover` again.",
          { object: this.open });
    }
    /** What a notice says was abandoned. */
    fork(key, body) {
      if (!this.count || NOTICE_KEY.exec(key)[2] !== this.at)
        throw new Broken("It is of a fork after an anchor that is not here.");
      readNotice(this.org, this.at, body).forEach((line) => this.goOnFrom(line));
      // what was archived is in the database again: the next anchor may list fewer objects
      this.archived = new Map([...this.reached.keys()].map((project) => [project, { seq: 0, at: this.at }]));
      this.open = key;
    }
    /** The execution that says what was abandoned is its chain's last now. */
    goOnFrom({ project, seq, hash, claims, prev_hash: before, base_version: version }) {
      for (const claim of claims) {
        const own = claim.project === project;
        const from = own ? { hash: before, version } : { hash: GENESIS, version: 0 };
        const problem = this.pins.abandon({ claim, ...from, lost: !own });
        if (problem) throw new Broken(problem, { project: claim.project, seq: claim.first_seq });
        this.reached.delete(claim.project);
        this.purged.delete(claim.project);
      }
      if (seq <= (this.reached.get(project) ?? 0)) throw new Broken("It says that a chain went back.", { project, seq });
      this.pin(project, seq, hash);
      this.pins.heads.set(project, { seq, hash });
      this.pins.records.add(hash);
      this.reached.set(project, seq);
    }
    take(key, anchor) {
      if (!isAnchor(anchor))
        throw new Broken("This is not an anchor: its members are others, or of other types or order.");
      if (key !== `anchors/org=${anchor.org}/${anchor.at}.json` || anchor.org !== this.org)
        throw new Broken("Its name is not of the moment and the organization that it says.");
      if (anchor.prev_anchor !== this.digest)
        throw new Broken("It follows another anchor than the one before it here, " +
          `${this.count ? `that of ${this.at}` : "none"}: ` +
          "one is missing, was altered, or stands in another's place.");
      this.count += 1;
      [this.at, this.open] = [anchor.at, null];
      anchor.projects.forEach((held) => this.addProject(held));
      anchor.objects.forEach((held) => this.addObject(held));
      this.checkWhole(anchor);
    }
    /** Every project that there was is there, and each archived execution in one object. */
    checkWhole({ projects, objects }) {
      const names = new Set(projects.map((held) => held.project));
      const lost = [...this.reached.keys()].sort().find((project) => !names.has(project));
      if (lost) throw new Broken("It leaves a project out that an anchor before it has.", { project: lost });
      const archived = projects.reduce((sum, held) => sum + held.archived_seq, 0);
      const rows = objects.reduce((sum, held) => sum + held.rows, 0);
      if (rows !== archived)
        throw new Broken(`Its objects hold ${rows} executions, its projects' archives ${archived}.`);
    }
    addProject({ project, seq, hash, purged, archived_seq: archived, archived_hash: archivedHash }) {
      if (seq < (this.reached.get(project) ?? 0) || archived < (this.archived.get(project)?.seq ?? 0) || archived > seq)
        throw new Broken("It says that a chain went back.", { project, seq });
      if (seq > archived && hash === archivedHash)
        throw new Broken("It says that two executions have one hash.", { project, seq });
      if (this.pins.lost(project))
        throw new Broken("It was lost, as an execution says, and is there again.", { project, seq });
      if (this.purged.has(project) && (seq !== this.reached.get(project) || !purged))
        throw new Broken("It was purged, as an anchor says, and goes on.", { project, seq });
      if (purged) this.purged.add(project);
      this.reached.set(project, seq);
      this.archived.set(project, { seq: archived, at: this.at });
      this.pins.heads.set(project, { seq, hash });
      this.pin(project, seq, hash);
      this.pin(project, archived, archivedHash);
    }
    pin(project, seq, hash) {
      if (!seq && hash !== GENESIS) throw new Broken("It says that a chain has a hash before its first.", { project });
      const other = seq ? this.pins.hold(project, seq, hash, this.at) : null;
      if (other) throw new Broken(`It holds another hash than the anchor of ${other.at}.`, { project, seq });
    }
    addObject({ key, sha256: digest, rows }) {
      const found = OBJECT_KEY.exec(key), before = this.objects.get(key);
      if (found?.[1] !== this.org || found[4] !== digest.slice(0, 16))
        throw new Broken(`It lists ${key}, which is not such an object's name.`);
      if (before && (before.sha256 !== digest || before.rows !== rows))
        throw new Broken(`It lists ${key} otherwise than the anchor of ${before.at}.`);
      this.objects.set(key, { sha256: digest, rows, at: this.at, number: this.count });
    }
    inLast(key) {
      return this.objects.get(key)?.number === this.count;
    }
  }

  function isAnchor(anchor) {
    return hasExactly(anchor, ["v", "at", "org", "prev_anchor", "projects", "objects"]) &&
      anchor.v === 1 && isMoment(anchor.at) && isId(anchor.org) && isHash(anchor.prev_anchor) &&
      isSorted(anchor.projects, ["project", "seq", "hash", "archived_seq", "archived_hash"], "project", ["purged"]) &&
      anchor.projects.every((held) => isId(held.project) && isCount(held.seq) && isHash(held.hash) &&
        isCount(held.archived_seq) && isHash(held.archived_hash) && (!Object.hasOwn(held, "purged") || held.purged === true)) &&
      isSorted(anchor.objects, ["key", "sha256", "rows"], "key") &&
      anchor.objects.every((held) => isHash(held.sha256) && isCount(held.rows, 1));
  }

  function isSorted(items, names, name, optional = []) {
    const members = (item) => names.concat(optional.filter((each) => Object.hasOwn(Object(item), each)));
    return Array.isArray(items) &&
      items.every((item, i) => hasExactly(item, members(item)) && isText(item[name], /^[\x00-\x7f]*$/) &&
        (i === 0 || items[i - 1][name] < item[name]));
  }

  // The archive of one organization --------------------------------------------------------------

  class ArchiveCheck {
    constructor(anchors) {
      Object.assign(this, { anchors, chains: new Chains(anchors.pins), missing: [], digests: new Map() });
      Object.assign(this, { objects: 0, executions: 0, erased: 0, spare: [] });
      this.branches = new Branches(anchors.pins);
    }
    async run(held, read) {
      if (held.size && !this.anchors.count)
        throw new Broken("There is no anchor here: without one, an archive that was made anew" +
          " from its first line on would look the same.");
      const listed = [...this.anchors.objects.keys()].filter((key) => this.anchors.inLast(key));
      const others = [...held].filter((key) => !this.anchors.inLast(key));
      this.seen = new Map(others.map((key) => [OBJECT_KEY.exec(key)[2], new Map()]));
      for (const key of [...new Set([...held, ...listed])].sort((a, b) => this.order(a, b))) {
        if (held.has(key)) this.object(key, await read(key));
        else this.missing.push(key);
      }
      this.reach();
      this.end();
    }
    /** What the last anchor lists, then all else; by day, then listed ones, by part number. */
    order(one, other) {
      const [a, b] = [one, other].map((key) => {
        const [, , day, part] = OBJECT_KEY.exec(key);
        const number = this.anchors.objects.get(key)?.number ?? 0;
        return [this.anchors.inLast(key) ? 0 : 1, day, number ? 0 : 1, Number(part), -number, key];
      });
      const at = a.findIndex((value, i) => value !== b[i]);
      return at < 0 ? 0 : a[at] < b[at] ? -1 : 1;
    }
    object(key, data) {
      const reading = { day: OBJECT_KEY.exec(key)[2], rows: 0, project: "", seq: 0 };
      try {
        for (const bytes of lines(data)) {
          reading.rows += 1;
          this.line(key, reading, readLine(bytes));
        }
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        const { problem, project } = error.finding;
        const place = { line: reading.rows + (problem === DAMAGED || problem === UNENDED ? 1 : 0) };
        if (reading.project && project === null)
          Object.assign(place, { project: reading.project, seq: reading.seq + 1 });
        throw error.within({ object: key, ...place });
      }
      this.whole(key, reading.rows, sha256(data));
    }
    line(key, reading, line) {
      this.placed(reading, line);
      this.executions += 1;
      this.erased += line.erased ? 1 : 0;
      if (!this.anchors.inLast(key) && this.beside(key, reading, line)) return;
      try {
        this.chains.add(line);
      } catch (error) {
        throw error instanceof Broken && error.finding.seq !== line.seq ? this.lost(error) : error;
      }
      this.seen.get(reading.day)?.set(`${line.project}/${line.seq}`, line.hash);
    }
    /** Whether an execution is no part of its chain: repeated, or of another branch. */
    beside(key, { day }, line) {
      const head = this.chains.head(line.project), passed = line.seq <= head.seq;
      const { pins, objects } = this.anchors, once = objects.has(key);
      const repeated = passed && this.seen.get(day).get(`${line.project}/${line.seq}`) === line.hash;
      if (repeated || this.branches.has(line) || (once && this.isApart(head, line))) {
        if (!this.spare.includes(key)) this.spare.push(key);
        return true;
      }
      const left = once && line.prev_hash !== head.hash && pins.unabandoned(line) === null;
      if (!passed && !left && !pins.lost(line.project) && !this.branches.leadsTo(line)) return false;
      this.branches.add(line, once);
      return true;
    }
    /** Whether an object that was listed once holds it after what is gone, and live again. */
    isApart(head, line) {
      const { pins } = this.anchors;
      if (line.seq <= head.seq + 1 || pins.unabandoned(line) === null) return false;
      return (pins.of(line.project, line.seq)?.hash ?? line.hash) === line.hash;
    }
    placed(reading, line) {
      const { project, seq } = line;
      const after = project > reading.project || (project === reading.project && seq > reading.seq);
      const problem = (line.org !== this.anchors.org && "It belongs to another organization than its object.") ||
        (line.at.slice(0, 10) !== reading.day && "It is not of its object's day.") ||
        (!after && "It is out of order: an object holds projects by id, each by seq.");
      if (problem) throw new Broken(problem, { project, seq });
      Object.assign(reading, { project, seq });
    }
    lost(broken) {
      if (!this.missing.length) return broken;
      const { problem, project, seq } = broken.finding, key = this.missing[0];
      const { at } = this.anchors.objects.get(key);
      return new Broken(`${problem} ${key} is missing, which the anchor of ${at} lists.`, { project, seq });
    }
    whole(key, rows, digest) {
      const listed = this.anchors.objects.get(key);
      const problem = (rows === 0 && "It holds no executions.") ||
        (!key.endsWith(`-${digest.slice(0, 16)}.jsonl.gz`) &&
          `Its bytes are not those of its name: their SHA-256 is ${digest}.`) ||
        (listed && listed.sha256 !== digest && `Its bytes are not those that the anchor of ${listed.at} lists.`) ||
        (listed && listed.rows !== rows &&
          `It holds ${rows} executions; the anchor of ${listed.at} says ${listed.rows}.`) ||
        (this.digests.has(digest) && `It is a copy of ${this.digests.get(digest)}.`);
      if (problem) throw new Broken(problem, { object: key });
      this.digests.set(digest, key);
      this.objects += 1;
    }
    reach() {
      for (const [project, { seq, at }] of [...this.anchors.archived].sort(([a], [b]) => a < b ? -1 : 1)) {
        const head = this.chains.head(project);
        if (head.seq < seq)
          throw this.lost(new Broken(`It is missing: by the anchor of ${at} the archive goes up to seq ${seq}.`,
            { project, seq: head.seq + 1 })).within({ object: this.missing[0] });
      }
      if (this.missing.length)
        throw new Broken(`It is missing; the anchor of ${this.anchors.objects.get(this.missing[0]).at} lists it.`,
          { object: this.missing[0] });
    }
    /** What anchors didn't know of a fork's end, the archive does. */
    end() {
      for (const fork of this.anchors.pins.forks) {
        const { project, first_seq: seq, last_seq: last } = fork.claim;
        if (!fork.known && !this.branches.endsWith(fork))
          throw new Broken(`It is said to be abandoned up to seq ${last}, which nothing knows.`, { project, seq });
      }
    }
    newer() {
      let sum = 0;
      for (const [project, head] of this.chains.heads)
        sum += Math.max(0, head.seq - (this.anchors.archived.get(project)?.seq ?? 0));
      return sum;
    }
  }

  // All of it ------------------------------------------------------------------------------------

  /** Finds what there is to verify; `files` are {path, size, read(): bytes, or a promise of them}. */
  function sorted(files) {
    const found = { objects: new Map(), anchors: new Map(), others: [], twice: [], size: 0 };
    for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
      const key = FILE.exec(file.path)?.[1] ?? "";
      const kind = OBJECT_KEY.test(key) ? found.objects : ANCHOR_KEY.test(key) || NOTICE_KEY.test(key) ? found.anchors
        : null;
      if (!kind) found.others.push(file.path);
      else if (kind.has(key)) found.twice.push(key);
      else kind.set(key, file);
      if (kind) found.size += file.size;
    }
    return found;
  }

  /** Reports on every organization in these files; `progress` is told the share that was read. */
  async function verify(files, progress = () => {}) {
    const found = sorted(files), organizations = [];
    let done = 0;
    const read = async (file) => {
      const bytes = await file.read();
      await progress((done += file.size) / found.size);
      return bytes;
    };
    const keys = [...found.objects.keys(), ...found.anchors.keys()];
    for (const org of [...new Set(keys.map((key) => key.split("/")[1].slice(4)))].sort())
      organizations.push(await checkOrganization(org, found, read));
    return { ok: organizations.length > 0 && organizations.every((one) => one.ok), organizations };
  }

  /** Anchors and notices as they came; of the notices after one anchor only the last counts. */
  function inOrder(keys) {
    const places = new Map();
    for (const key of keys) {
      const notice = NOTICE_KEY.exec(key), place = notice ? `${notice[2]}\u00001` : `${ANCHOR_KEY.exec(key)[2]}\u00000`;
      const before = places.get(place);
      if (!before || before < key) places.set(place, key);
    }
    return [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
  }

  async function checkOrganization(org, found, read) {
    const mine = (keys) => [...keys].filter((key) => key.includes(`/org=${org}/`)).sort();
    const anchors = new Anchors(org), check = new ArchiveCheck(anchors);
    let finding = null;
    try {
      for (const key of inOrder(mine(found.anchors.keys()))) anchors.add(key, await read(found.anchors.get(key)));
      anchors.end();
      await check.run(new Set(mine(found.objects.keys())), (key) => read(found.objects.get(key)));
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      finding = error.finding;
    }
    const [twice] = mine(found.twice);
    if (twice) finding = new Broken("It is in this folder twice.", { object: twice }).finding;
    return {
      org, ok: finding === null, anchors: anchors.count, last_anchor: anchors.at || null,
      objects: check.objects, executions: check.executions, erased: check.erased,
      projects: [...check.chains.heads.values()].filter((head) => head.seq).length,
      newer: check.newer(), spare: check.spare, forks: anchors.pins.forks.map(({ claim }) => claim),
      finding,
    };
  }

  /** One organization's report as a person reads it; the verdict comes first. */
  function sentences(report) {
    const looked = `${report.executions} archived executions of ${report.projects} projects` +
      ` in ${report.objects} objects, ${report.anchors} anchors`;
    if (report.finding) {
      const { problem, object, line, project, seq } = report.finding;
      const named = [project && `project ${project}`, seq && `seq ${seq}`, object, line && `line ${line}`];
      const where = named.filter(Boolean).join(", ");
      return [`BROKEN: ${where ? `${where}: ` : ""}${problem}`, `Before that, ${looked} were in order.`];
    }
    const forks = report.forks.map(({ project, first_seq: first, last_seq: last, anchor }) =>
      `ABANDONED, as an execution says: project ${project}, seq ${first} to ${last}, after the anchor of ${anchor}.` +
      " Ask who set the database back, and why.");
    const but = forks.length ? `, but for ${forks.length} ranges that were ABANDONED` : "";
    const said = [`In order: ${looked}${but}.`, ...forks];
    if (report.erased) said.push(`${report.erased} payloads were erased; their records still hold.`);
    if (report.spare.length) said.push(`Left over, repeating what lies elsewhere: ${report.spare.join(", ")}.`);
    const newer = report.newer ? `, ${report.newer} archived executions among it` : "";
    said.push(`What is newer than the last anchor, of ${report.last_anchor}${newer}, only the next proves.`);
    return said;
  }

  /** The key of a file that was fetched without its folders, by what it holds; else its name. */
  function keyOf(name, bytes) {
    try {
      if (/^part-[0-9]+-[0-9a-f]{16}\.jsonl\.gz$/.test(name)) {
        const { org, at } = readCanonical(lines(bytes).next().value).record;
        return `executions/org=${org}/dt=${at.slice(0, 10)}/${name}`;
      }
      if (/^[0-9T:.-]+Z-[0-9]{4}\.jsonl$/.test(name))
        return `forks/org=${readCanonical(cutLines(bytes).next().value).record.org}/${name}`;
      return /^[0-9T:.-]+Z\.json$/.test(name) ? `anchors/org=${readCanonical(bytes).org}/${name}` : name;
    } catch {
      return name;
    }
  }

  return { verify, sentences, keyOf, sha256, canonical };
})();

// From the command line ----------------------------------------------------------------------------

async function main(folder, asJson) {
  const { readdirSync, readFileSync, statSync } = require("node:fs");
  const { join } = require("node:path");
  const isFile = (full) => {
    try {
      return statSync(full).isFile();
    } catch {
      return false; // a link that leads nowhere, or a name that is no text
    }
  };
  const files = readdirSync(folder, { recursive: true }).map((name) => ({ name, full: join(folder, name) }))
    .filter(({ full }) => isFile(full))
    .map(({ name, full }) => ({
      path: name.replaceAll("\\", "/"), size: statSync(full).size, read: () => readFileSync(full),
    }));
  const show = process.stderr.isTTY
    ? (share) => process.stderr.write(`\rVerifying ${Math.round(share * 100)} %${share < 1 ? "" : "\n"}`)
    : () => {};
  const report = await chatAgentVerify.verify(files, show);
  if (asJson) console.log(JSON.stringify(report));
  else if (!report.organizations.length) console.log("There is nothing here to verify.");
  else
    for (const one of report.organizations)
      console.log([`Organization ${one.org}`, ...chatAgentVerify.sentences(one)].join("\n  "));
  process.exitCode = report.ok ? 0 : 1;
}

if (typeof module !== "undefined" && typeof require !== "undefined") {
  module.exports = chatAgentVerify;
  if (require.main === module) {
    const [folder] = process.argv.slice(2).filter((word) => !word.startsWith("--"));
    if (folder) main(folder, process.argv.includes("--json"));
    else {
      console.error("Usage: node verify.js FOLDER [--json]");
      process.exitCode = 2;
    }
  }
}
