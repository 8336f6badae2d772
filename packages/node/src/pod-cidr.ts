/** The /24 of node `index` within an IPv4 range; the first node has the first one. Throws when the range is too small. */
export function podCidrOf(clusterCidr: string, index: number): string {
  const [base = '', length = ''] = clusterCidr.split('/');
  const bits = Number(length);
  const start = base.split('.').reduce((value, part) => value * 256 + Number(part), 0);
  if (bits > 24 || index >= 2 ** (24 - bits)) {
    throw new Error(`${clusterCidr} has no /24 for node number ${index + 1}: choose a larger clusterCidr`);
  }
  const at = start + index * 256;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join('.')}/24`;
}
