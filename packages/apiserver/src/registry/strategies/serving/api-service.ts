import { APIService, validateDns1035Label, validateDnsSubdomain, validatePathSegment } from '@keelson/core';
import { strategyFor } from '../../strategy.ts';

export const apiService = strategyFor(APIService, {
  unconditionalUpdate: false,
  nameRule(name, { spec: { group = '', version = '' } = {} }) {
    const wrong = validatePathSegment(name);
    const required = `${version}.${group}`;
    if (wrong.length > 0 || name === required) return wrong;
    return [`must be \`spec.version+"."+spec.group\`: "${required}"`];
  },
  defaults({ spec }) {
    if (spec?.service) spec.service.port ??= 443;
  },
  prepareCreate(object, { now }) {
    if (object.spec?.service) return;
    // What this server itself serves is there as long as the server is.
    const condition = {
      type: 'Available',
      status: 'True',
      reason: 'Local',
      message: 'Local APIServices are always available',
    };
    object.status = { conditions: [{ ...condition, lastTransitionTime: now() }] };
  },
  validate({ spec }, errors) {
    const { group = '', version = '', service, caBundle, insecureSkipTLSVerify: insecure } = spec ?? {};
    if (group !== '') errors.rule('spec.group', group, validateDnsSubdomain(group));
    else if (version !== 'v1') {
      errors.required('spec.group', 'only v1 may have an empty group and it better be legacy kube');
    }
    errors.rule('spec.version', version, validateDns1035Label(version));
    const priority = (field: 'groupPriorityMinimum' | 'versionPriority', most: number) => {
      const value = spec?.[field] ?? 0;
      if (value <= 0 || value > most) errors.invalid(`spec.${field}`, value, `must be positive and less than ${most}`);
    };
    priority('groupPriorityMinimum', 20000);
    priority('versionPriority', 1000);
    if (!service) {
      if (caBundle)
        errors.invalid(
          'spec.caBundle',
          `${Buffer.from(caBundle, 'base64').length} bytes`,
          'local APIServices may not have a caBundle',
        );
      if (insecure)
        errors.invalid('spec.insecureSkipTLSVerify', insecure, 'local APIServices may not have insecureSkipTLSVerify');
      return;
    }
    if (!service.namespace) errors.required('spec.service.namespace');
    if (!service.name) errors.required('spec.service.name');
    const { port } = service;
    if (port !== undefined && (port < 1 || port > 65535)) {
      errors.invalid('spec.service.port', port, 'port is not valid: must be between 1 and 65535, inclusive');
    }
    if (insecure && caBundle)
      errors.invalid('spec.insecureSkipTLSVerify', insecure, 'may not be true if caBundle is present');
  },
  validateStatusUpdate({ status }, _old, errors) {
    (status?.conditions ?? []).forEach(({ status: value }, index) => {
      if (!['True', 'False', 'Unknown'].includes(value)) {
        errors.notSupported(`status.conditions[${index}].status`, value, ['True', 'False', 'Unknown']);
      }
    });
  },
});
