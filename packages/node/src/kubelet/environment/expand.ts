/**
 * Replaces `$(NAME)` by its value; `$$` stands for one `$`, and what is not known stays as it is
 * (kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables).
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let out = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0 || dollar === text.length - 1) break;
    out += text.slice(at, dollar);
    const next = text.charAt(dollar + 1);
    if (next === '$') {
      out += '$';
      at = dollar + 2;
      continue;
    }
    const close = next === '(' ? text.indexOf(')', dollar + 2) : -1;
    if (close < 0) {
      out += `$${next}`;
      at = dollar + 2;
      continue;
    }
    const name = text.slice(dollar + 2, close);
    out += lookup(name) ?? `$(${name})`;
    at = close + 1;
  }
  return out + text.slice(at);
}
