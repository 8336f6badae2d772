/** Each function answers with the sentences that Kubernetes puts after `Invalid value: "…": `; none when the text is good. */

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const label1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedPart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const portName = /^[-a-z0-9]+$/;
const configKey = /^[-._a-zA-Z0-9]+$/;
const environmentName = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;
const cIdentifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const label1035Message =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const qualifiedRule =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const encoder = new TextEncoder();

/** Whether the text takes more bytes than that in UTF-8, where a UTF-16 unit takes one to three. */
function longerThan(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  return text.length * 3 > bytes && encoder.encode(text).length > bytes;
}

function check(text: string, rule: RegExp, message: string, longest: number, unit: 'characters' | 'bytes'): string[] {
  return [
    ...(longerThan(text, longest) ? [`must be no more than ${longest} ${unit}`] : []),
    ...(rule.test(text) ? [] : [message]),
  ];
}

/** Names of most kinds (RFC 1123 subdomain, at most 253 characters). */
export function validateDnsSubdomain(text: string): string[] {
  return check(text, subdomain, subdomainMessage, 253, 'characters');
}

/** Names of namespaces and containers (RFC 1123 label, at most 63 characters). */
export function validateDnsLabel(text: string): string[] {
  const message = text.includes('.') && subdomain.test(text) ? 'must not contain dots' : labelMessage;
  return check(text, label, message, 63, 'characters');
}

/** Names of Services (RFC 1035 label, at most 63 characters). */
export function validateDns1035Label(text: string): string[] {
  return check(text, label1035, label1035Message, 63, 'characters');
}

/** Keys of labels and annotations, and finalizers: `name` or `prefix/name`. */
export function validateQualifiedName(text: string): string[] {
  const parts = text.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key ${qualifiedRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  const errors: string[] = [];
  if (prefix === '') errors.push('prefix part must be non-empty');
  else if (prefix !== undefined) {
    errors.push(...check(prefix, subdomain, subdomainMessage, 253, 'bytes').map((each) => `prefix part ${each}`));
  }
  if (name === '') errors.push('name part must be non-empty');
  errors.push(...check(name, qualifiedPart, qualifiedRule, 63, 'bytes').map((each) => `name part ${each}`));
  return errors;
}

/** Values of labels: empty, or at most 63 bytes. */
export function validateLabelValue(text: string): string[] {
  return check(text, labelValue, labelValueMessage, 63, 'bytes');
}

/** Names of ports (IANA_SVC_NAME, RFC 6335). */
export function validatePortName(text: string): string[] {
  return [
    ...(longerThan(text, 15) ? ['must be no more than 15 characters'] : []),
    ...(portName.test(text) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
    ...(/[a-z]/.test(text) ? [] : ['must contain at least one letter (a-z)']),
    ...(text.includes('--') ? ['must not contain consecutive hyphens'] : []),
    ...(/^-|-$/.test(text) ? ['must not begin or end with a hyphen'] : []),
  ];
}

/** Keys of ConfigMaps and Secrets. */
export function validateConfigMapKey(text: string): string[] {
  const errors = check(
    text,
    configKey,
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    253,
    'characters',
  );
  return [...errors, ...notAPath(text)];
}

/** Names of environment variables in the strict form. */
export function validateEnvironmentName(text: string): string[] {
  if (environmentName.test(text)) return notAPath(text);
  return [
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')",
    ...notAPath(text),
  ];
}

/** C identifiers, for example in the downward API. */
export function validateCIdentifier(text: string): string[] {
  return cIdentifier.test(text)
    ? []
    : [
        "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')",
      ];
}

function notAPath(text: string): string[] {
  if (text === '.') return ["must not be '.'"];
  if (text === '..') return ["must not be '..'"];
  return text.startsWith('..') ? ["must not start with '..'"] : [];
}

/** Names that become one segment of a URL (RBAC roles and bindings). */
export function validatePathSegment(text: string): string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((each) => text.includes(each)).map((each) => `may not contain '${each}'`);
}

/** What is checked of a `generateName`: a dash at its end, which a suffix would follow, is no mistake. */
export function nameOfPrefix(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix;
}
