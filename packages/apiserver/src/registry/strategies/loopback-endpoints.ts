import { FieldErrors, type NamedStrategy } from '../strategy.ts';

const kinds = new Set(['/endpoints', 'discovery.k8s.io/endpointslices']);

/** Lets endpoints lie on loopback, for clusters whose pods have no network of their own. */
export function withLoopback(named: NamedStrategy): NamedStrategy {
  const { validate } = named.strategy;
  if (!validate || !kinds.has(`${named.group}/${named.resource}`)) return named;
  return {
    ...named,
    strategy: {
      ...named.strategy,
      validate(object, errors, old) {
        const found = new FieldErrors();
        validate(object, found, old);
        errors.list.push(...found.list.filter(({ message }) => !message.includes('may not be in the loopback range')));
      },
    },
  };
}
