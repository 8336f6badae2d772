import { isIpv6 } from './checks.ts';

/** An address as 16-bit groups; undefined if the text is none. */
function groupsOf(text: string): readonly number[] | undefined {
  const tail = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const whole = tail
    ? `${tail[1]}${((Number(tail[2]) << 8) | Number(tail[3])).toString(16)}:${((Number(tail[4]) << 8) | Number(tail[5])).toString(16)}`
    : text;
  const [left = '', right] = whole.split('::');
  const head = left === '' ? [] : left.split(':');
  const rest = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? 0 : 8 - head.length - rest.length;
  const groups = [...head, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...rest];
  return groups.length === 8 ? groups.map((each) => Number.parseInt(each, 16)) : undefined;
}

/** RFC 5952: lower case, no leading zeros, the longest run of zeros shortened. */
export function canonicalIpv6(text: string): string {
  const groups = groupsOf(text);
  if (!groups) return text;
  let best = -1;
  let most = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > most) {
      best = start;
      most = end - start;
    }
    if (end > start) start = end;
  }
  const hex = groups.map((each) => each.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + most).join(':')}`;
}

/** `::ffff:1.2.3.4` as `1.2.3.4`. */
function embeddedIpv4(text: string): string | undefined {
  const groups = isIpv6(text) ? groupsOf(text) : undefined;
  if (!groups || groups[5] !== 0xffff || groups.slice(0, 5).some((each) => each !== 0)) return undefined;
  const [high = 0, low = 0] = groups.slice(6);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

const withoutZeros = (text: string) => text.split('.').map(Number).join('.');

/** Addresses that are still taken, but will not always be (KEP-4858). */
export function ipWarning(text: string, at: string, warn: (text: string) => void): void {
  const mapped = embeddedIpv4(text);
  const plain = mapped ?? (/^\d+(\.\d+){3}$/.test(text) ? withoutZeros(text) : undefined);
  if (plain !== undefined) {
    if (plain === text) return;
    warn(
      `${at}: non-standard IP address "${text}" will be considered invalid in a future Kubernetes release: use "${plain}"`,
    );
    return;
  }
  if (!isIpv6(text)) return;
  const canonical = canonicalIpv6(text);
  if (canonical !== text) warn(`${at}: IPv6 address "${text}" should be in RFC 5952 canonical format ("${canonical}")`);
}
