import {
  Ingress,
  type IngressBackend,
  IngressClass,
  type IngressSpec,
  type TypedLocalObjectReference,
  validateDns1035Label,
  validateDnsLabel,
  validateDnsSubdomain,
  validatePathSegment,
  validatePortName,
} from '@keelson/core';
import { hollowMember } from '../../../schema/index.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../../strategy.ts';
import { checkPort } from '../checks.ts';
import { goValues } from '../go-value.ts';
import { checkLegacyAddress, isAnyIp } from '../ip-checks.ts';
import { checkDomainPrefixedPath } from '../name-checks.ts';

const classAnnotation = 'kubernetes.io/ingress.class';
const api = 'io.k8s.api.networking.v1.';
const wildcard = /^\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const wildcardMessage =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

function checkHost(host: string, at: string, errors: FieldErrors): void {
  if (host.includes('*')) {
    if (host.length > 253) errors.invalid(at, host, 'must be no more than 253 characters');
    if (!wildcard.test(host)) errors.invalid(at, host, wildcardMessage);
  } else errors.rule(at, host, validateDnsSubdomain(host));
}

function checkReference(reference: TypedLocalObjectReference, at: string, errors: FieldErrors): void {
  const { apiGroup, kind, name } = reference;
  if (apiGroup !== undefined && apiGroup !== null)
    errors.rule(`${at}.apiGroup`, apiGroup, validateDnsSubdomain(apiGroup));
  if (!kind) errors.required(`${at}.kind`);
  else errors.rule(`${at}.kind`, kind, validatePathSegment(kind));
  if (!name) errors.required(`${at}.name`);
  else errors.rule(`${at}.name`, name, validatePathSegment(name));
}

function checkBackend(backend: IngressBackend | undefined, at: string, errors: FieldErrors): void {
  const { service, resource } = backend ?? {};
  if (service && resource) {
    errors.invalid(at, '', 'cannot set both resource and service backends');
    return;
  }
  if (resource) {
    checkReference(resource, `${at}.resource`, errors);
    return;
  }
  if (!service) {
    errors.invalid(at, '', 'resource or service backend is required');
    return;
  }
  if (!service.name) errors.required(`${at}.service.name`);
  else errors.rule(`${at}.service.name`, service.name, validateDns1035Label(service.name));
  const { name = '', number = 0 } = service.port ?? {};
  if (name !== '' && number !== 0) {
    errors.invalid(at, '', 'cannot set both port name & port number');
  } else if (name !== '') errors.rule(`${at}.service.port.name`, name, validatePortName(name));
  else if (number !== 0) checkPort(`${at}.service.port.number`, number, errors);
  else errors.required(at, 'port name or number is required');
}

const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badEndings = ['/..', '/.'];

function checkPath(
  path: NonNullable<NonNullable<NonNullable<IngressSpec['rules']>[number]['http']>['paths']>[number],
  at: string,
  errors: FieldErrors,
): void {
  const { path: text = '', pathType } = path;
  if (pathType === undefined || pathType === null) {
    errors.required(`${at}.pathType`, 'pathType must be specified');
    return;
  }
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!text.startsWith('/')) errors.invalid(`${at}.path`, text, 'must be an absolute path');
    if (text !== '') {
      for (const each of badSequences) {
        if (text.includes(each)) errors.invalid(`${at}.path`, text, `must not contain '${each}'`);
      }
      for (const each of badEndings) {
        if (text.endsWith(each)) errors.invalid(`${at}.path`, text, `cannot end with '${each}'`);
      }
    }
  } else if (pathType === 'ImplementationSpecific') {
    if (text !== '' && !text.startsWith('/')) errors.invalid(`${at}.path`, text, 'must be an absolute path');
  } else errors.notSupported(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']);
  checkBackend(path.backend, `${at}.backend`, errors);
}

function checkRules({ rules }: IngressSpec, errors: FieldErrors): void {
  (rules ?? []).forEach(({ host, http }, index) => {
    const at = `spec.rules[${index}]`;
    if (host) {
      if (isAnyIp(host)) errors.invalid(`${at}.host`, host, 'must be a DNS name, not an IP address');
      checkHost(host, `${at}.host`, errors);
    }
    if (!http) return;
    if (!http.paths?.length) errors.required(`${at}.http.paths`);
    (http.paths ?? []).forEach((path, place) => {
      checkPath(path, `${at}.http.paths[${place}]`, errors);
    });
  });
}

function checkTls({ tls = [] }: IngressSpec, errors: FieldErrors): void {
  tls.forEach(({ hosts = [], secretName }, index) => {
    const at = `spec.tls[${index}]`;
    hosts.forEach((host, place) => {
      checkHost(host, `${at}.hosts[${place}]`, errors);
    });
    if (secretName) errors.rule(`${at}.secretName`, secretName, validateDnsSubdomain(secretName));
  });
}

const ingress = strategyFor(Ingress, {
  generation: 'spec',
  validate({ spec, metadata }, errors, old) {
    if (!spec.rules?.length && !spec.defaultBackend) {
      const shown = spec.rules ? goValues(`${api}IngressRule`, spec.rules) : (hollowMember(spec, 'rules') ?? null);
      errors.invalid('spec', shown, 'either `defaultBackend` or `rules` must be specified');
    }
    if (spec.defaultBackend) checkBackend(spec.defaultBackend, 'spec.defaultBackend', errors);
    checkRules(spec, errors);
    checkTls(spec, errors);
    const name = spec.ingressClassName ?? undefined;
    if (name !== undefined) errors.rule('spec.ingressClassName', name, validateDnsSubdomain(name));
    const annotation = metadata.annotations?.[classAnnotation];
    if (!old && annotation !== undefined && name !== undefined && annotation !== name) {
      errors.invalid(
        `annotations.${classAnnotation}`,
        annotation,
        'must match `ingressClassName` when both are specified',
      );
    }
  },
  validateStatusUpdate({ status }, _old, errors) {
    (status?.loadBalancer?.ingress ?? []).forEach(({ ip, hostname, ports = [] }, index) => {
      const at = `status.loadBalancer.ingress[${index}]`;
      if (ip) checkLegacyAddress(ip, `${at}.ip`, errors);
      if (hostname) {
        errors.rule(`${at}.hostname`, hostname, validateDnsSubdomain(hostname));
        if (isAnyIp(hostname)) errors.invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address');
      }
      void ports;
    });
  },
  warnings({ metadata }, old) {
    if (old || metadata.annotations?.[classAnnotation] === undefined) return [];
    return [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`];
  },
});

const ingressClass = strategyFor(IngressClass, {
  generation: 'spec',
  defaults({ spec }) {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster';
  },
  validateFixed({ spec }, { spec: old }, errors) {
    const controller = spec?.controller ?? '';
    if (controller !== (old?.controller ?? '')) errors.invalid('spec.controller', controller, 'field is immutable');
  },
  validate({ spec }, errors) {
    const controller = spec?.controller ?? '';
    if (controller.length > 250) errors.tooLong('spec.controller', 250);
    checkDomainPrefixedPath(controller, 'spec.controller', errors);
    const parameters = spec?.parameters;
    if (!parameters) return;
    checkReference(parameters, 'spec.parameters', errors);
    const { scope, namespace } = parameters;
    const at = 'spec.parameters';
    if (scope === undefined) {
      errors.required(`${at}.scope`);
      return;
    }
    if (scope !== 'Cluster' && scope !== 'Namespace')
      errors.notSupported(`${at}.scope`, scope, ['Cluster', 'Namespace']);
    if (scope === 'Namespace') {
      if (namespace === undefined) errors.required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'");
      else errors.rule(`${at}.namespace`, namespace, validateDnsLabel(namespace));
    }
    if (scope === 'Cluster' && namespace !== undefined) {
      errors.forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'");
    }
  },
});

export const ingressStrategies: readonly NamedStrategy[] = [ingress, ingressClass];
