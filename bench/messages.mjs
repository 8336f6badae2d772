// The few objects that benchmarks send, as plain objects and in Kubernetes' binary encoding (the .proto files of k8s.io/api).

export const protobufType = 'application/vnd.kubernetes.protobuf';

export const configMap = (name, text = 'x'.repeat(700)) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: { bench: 'writes' } },
  data: { text },
});

/** A Pod that nobody places, of about 2.6 kB with what the server adds. */
export const pod = (name) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    labels: { app: 'bench', 'app.kubernetes.io/instance': name, 'pod-template-hash': '6d4f8b9c7d' },
    annotations: { 'bench.example.com/configuration': 'y'.repeat(400) },
  },
  spec: {
    schedulerName: 'nobody',
    containers: ['main', 'proxy'].map((container) => ({
      name: container,
      image: `registry.example.com/bench/${container}:v1.2.3`,
      ports: [{ name: 'http', containerPort: 8080 }],
      env: [
        { name: 'NAMESPACE', value: 'bench' },
        { name: 'CLUSTER', value: 'bench.example.com' },
      ],
      resources: { requests: { cpu: '10m', memory: '10Mi' } },
    })),
  },
});

function varint(value) {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      bytes.push(rest);
      return Buffer.from(bytes);
    }
    bytes.push((rest % 128) | 128);
  }
}

const number = (field, value) => Buffer.concat([varint(field * 8), varint(value)]);
function bytes(field, value) {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}
const message = (...fields) => Buffer.concat(fields.flat());
const map = (field, values = {}, encode = (each) => each) =>
  Object.entries(values).map(([key, value]) => bytes(field, message(bytes(1, key), bytes(2, encode(value)))));

const metadataOf = ({ name, namespace, labels, annotations }) =>
  message(bytes(1, name), namespace === undefined ? [] : bytes(3, namespace), map(11, labels), map(12, annotations));

const containerOf = ({ name, image, ports, env, resources }) =>
  message(
    bytes(1, name),
    bytes(2, image),
    ports.map((each) => bytes(6, message(bytes(1, each.name), number(3, each.containerPort)))),
    env.map((each) => bytes(7, message(bytes(1, each.name), bytes(2, each.value)))),
    bytes(8, message(map(2, resources.requests, (amount) => bytes(1, amount)))),
  );

const contentOf = {
  ConfigMap: ({ metadata, data }) => message(bytes(1, metadataOf(metadata)), map(2, data)),
  Pod: ({ metadata, spec }) =>
    message(
      bytes(1, metadataOf(metadata)),
      bytes(
        2,
        message(
          spec.containers.map((each) => bytes(2, containerOf(each))),
          bytes(19, spec.schedulerName),
        ),
      ),
    ),
};

export function toProtobuf(object) {
  const type = message(bytes(1, object.apiVersion), bytes(2, object.kind));
  return Buffer.concat([Buffer.from('k8s\0'), bytes(1, type), bytes(2, contentOf[object.kind](object))]);
}

/** How many items a list in the binary encoding has. */
export function countItems(body) {
  const raw = fieldsOf(body.subarray(4)).find(({ field }) => field === 2);
  return fieldsOf(raw.content).filter(({ field }) => field === 2).length;
}

function fieldsOf(message) {
  const fields = [];
  let at = 0;
  const read = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = read();
    if (tag % 8 === 0) {
      read();
      continue;
    }
    const length = read();
    fields.push({ field: Math.floor(tag / 8), content: message.subarray(at, at + length) });
    at += length;
  }
  return fields;
}
