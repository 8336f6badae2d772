import { type PodSpec, validateDnsLabel, validateDnsSubdomain } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkIp } from '../checks.ts';

const mostNameservers = 3;
const mostSearchPaths = 32;
const longestSearchList = 2048;
const relaxedSubdomain = /^_?[a-z0-9]([-a-z0-9_]*[a-z0-9])?(\._?[a-z0-9]([-a-z0-9_]*[a-z0-9])?)*$/;

/** Search paths may have underscores (KEP-4427). */
function searchPathFindings(path: string): readonly string[] {
  if (path === '.') return [];
  const text = path.endsWith('.') ? path.slice(0, -1) : path;
  const found: string[] = [];
  if (text.length > 253) found.push('must be no more than 253 characters');
  if (!relaxedSubdomain.test(text)) {
    found.push(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')",
    );
  }
  return found;
}

export function validateDnsConfig({ dnsPolicy, dnsConfig }: PodSpec, at: string, errors: FieldErrors): void {
  const here = `${at}.dnsConfig`;
  if (dnsPolicy === 'None') {
    if (!dnsConfig) {
      errors.required(here, 'must provide `dnsConfig` when `dnsPolicy` is None');
      return;
    }
    if (!dnsConfig.nameservers?.length) {
      errors.required(`${here}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None');
      return;
    }
  }
  if (!dnsConfig) return;
  const { nameservers = [], searches = [], options = [] } = dnsConfig;
  if (nameservers.length > mostNameservers) {
    errors.invalid(`${here}.nameservers`, nameservers, `must not have more than ${mostNameservers} nameservers`);
  }
  nameservers.forEach((each, index) => void checkIp(`${here}.nameservers[${index}]`, each, errors));
  if (searches.length > mostSearchPaths) {
    errors.invalid(`${here}.searches`, searches, `must not have more than ${mostSearchPaths} search paths`);
  }
  if (searches.join(' ').length > longestSearchList) {
    const why = `must not have more than ${longestSearchList} characters (including spaces) in the search list`;
    errors.invalid(`${here}.searches`, searches, why);
  }
  searches.forEach((each, index) => void errors.rule(`${here}.searches[${index}]`, each, searchPathFindings(each)));
  options.forEach(({ name }, index) => {
    if (!name) errors.required(`${here}.options[${index}]`, 'must not be empty');
  });
}

export function validateHostAliases({ hostAliases }: PodSpec, at: string, errors: FieldErrors): void {
  hostAliases?.forEach(({ ip = '', hostnames = [] }, index) => {
    const here = `${at}.hostAliases[${index}]`;
    checkIp(`${here}.ip`, ip, errors);
    hostnames.forEach(
      (each, number) => void errors.rule(`${here}.hostnames[${number}]`, each, validateDnsSubdomain(each)),
    );
  });
}

const longestHostname = 64;

/** KEP-4762: what the pod calls itself, whatever its name is. */
export function validateHostnameOverride(spec: PodSpec, at: string, errors: FieldErrors): void {
  const { hostnameOverride: name } = spec;
  if (name === undefined) return;
  const here = `${at}.hostnameOverride`;
  if (spec.setHostnameAsFQDN) errors.forbidden(here, 'may not be specified when setHostnameAsFQDN is true');
  if (spec.hostNetwork) errors.forbidden(here, 'may not be specified when hostNetwork is true');
  if (name.length > longestHostname) errors.tooLong(here, longestHostname);
  errors.rule(here, name, validateDnsSubdomain(name));
}

export function validateHostnames({ hostname, subdomain }: PodSpec, at: string, errors: FieldErrors): void {
  if (hostname) errors.rule(`${at}.hostname`, hostname, validateDnsLabel(hostname));
  if (subdomain) errors.rule(`${at}.subdomain`, subdomain, validateDnsLabel(subdomain));
}
