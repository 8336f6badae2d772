/** Two numbers of 32 bits from a text (FNV-1a with two offsets), as seeds of a hand. */
function seedsOf(schema: string, distinguisher: string): readonly [number, number] {
  let a = 0x811c9dc5;
  let b = 0x2f0b4c47;
  const mix = (text: string) => {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x01000193) + (a >>> 15);
    }
  };
  mix(schema);
  // What no name holds: lest one pair of texts be another.
  a = Math.imul(a ^ 0xffff, 0x01000193);
  mix(distinguisher);
  return [a >>> 0, b >>> 0];
}

/**
 * The hand of a flow: `handSize` different ones of `queues` queues, always the same for the same flow. Flows that share
 * some of their queues hardly ever share all of them (KEP-1040, "Assignment to a Queue").
 */
export function dealHand(schema: string, distinguisher: string, queues: number, handSize: number): readonly number[] {
  const size = Math.min(handSize, queues);
  if (size >= queues) return Array.from({ length: queues }, (_, at) => at);
  let [state, salt] = seedsOf(schema, distinguisher);
  const hand: number[] = [];
  while (hand.length < size) {
    // A generator with 32 bits of state (Mulberry32), salted with 32 more.
    state = (state + 0x6d2b79f5) | 0;
    let draw = Math.imul(state ^ (state >>> 15) ^ salt, state | 1);
    draw ^= draw + Math.imul(draw ^ (draw >>> 7), draw | 61);
    salt = Math.imul(salt ^ draw, 0x9e3779b1);
    const card = ((draw ^ (draw >>> 14)) >>> 0) % queues;
    if (!hand.includes(card)) hand.push(card);
  }
  return hand;
}
