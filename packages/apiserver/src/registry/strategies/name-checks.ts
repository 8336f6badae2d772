import { validateDnsSubdomain } from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';

/** A subdomain, as the declarations of a few kinds have it: its length is told in bytes. */
export const declaredName = (name: string): readonly string[] =>
  validateDnsSubdomain(name).map((each) => each.replace(/^(must be no more than \d+) characters$/, '$1 bytes'));

/** `example.com/path`: a domain and a path of URL characters (RFC 3986). */
export function checkDomainPrefixedPath(text: string, at: string, errors: FieldErrors): void {
  if (text === '') {
    errors.required(at);
    return;
  }
  const slash = text.indexOf('/');
  const [domain, path] = slash < 0 ? ['', ''] : [text.slice(0, slash), text.slice(slash + 1)];
  if (domain === '' || path === '') {
    errors.invalid(at, text, 'must be a domain-prefixed path (such as "acme.io/foo")');
    return;
  }
  for (const each of validateDnsSubdomain(domain)) errors.invalid(at, domain, each);
  if (!/^([A-Za-z0-9/\-._~%!$&'()*+,;=:])+$/.test(path)) {
    errors.invalid(
      at,
      path,
      "a valid path must consist of alphanumeric characters or any of '/', '-', '.', '_', '~', '%', '!', '$', '&', ''', '(', ')', '*', '+', ',', ';', '=', ':' (e.g. 'path/to/resource', regex used for validation is '([A-Za-z0-9/\\-._~%!$&'()*+,;=:]+)')",
    );
  }
}
