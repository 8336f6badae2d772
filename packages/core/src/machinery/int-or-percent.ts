/**
 * An `IntOrString` such as `maxSurge`: a number as it is, a percentage of `total` rounded up or down. A number in quotes
 * without `%` is refused, as Kubernetes does. Throws `TypeError`.
 */
export function intOrPercent(value: number | string, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  const match = /^([0-9]+)%$/.exec(value);
  if (!match) {
    throw new TypeError(`invalid value for IntOrString: invalid type: string is not a percentage`);
  }
  const share = (Number(match[1]) * total) / 100;
  return roundUp ? Math.ceil(share) : Math.floor(share);
}
