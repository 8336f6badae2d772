/**
 * The mount points below a directory, the deepest first, so that they can be unmounted in this order.
 *
 * @param table the text of `/proc/self/mounts` (proc(5)), whose paths escape blanks as octal
 */
export function mountPointsBelow(table: string, dir: string): readonly string[] {
  return table
    .split('\n')
    .map((line) => unescapePath(line.split(' ')[1] ?? ''))
    .filter((point) => point.startsWith(`${dir}/`))
    .sort((a, b) => b.length - a.length);
}

function unescapePath(path: string): string {
  return path.replace(/\\(\d{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
