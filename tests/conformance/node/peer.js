// The official JavaScript client on strings: commands in, what happens out, one JSON a line.
// {do: "connect", url, token, options} · {do: "ask", name, payload} · {do: "emit", name, payload}
// · {do: "bytes", name} · {do: "disconnect"}
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const tell = (fact) => process.stdout.write(`${JSON.stringify(fact)}\n`);
let socket;

function connect({ url, namespace, token, options }) {
  socket = io(url + (namespace ?? "/chat"), {
    auth: token ? { token, protocol: 1, client: { name: "peer", version: "1" } } : undefined,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    ...options,
  });
  const manager = socket.io;
  manager.engine.once("upgrade", ({ name }) => tell({ what: "upgrade", transport: name }));
  socket.on("connect", () => {
    tell({ what: "connect", sid: socket.id, transport: manager.engine.transport.name });
  });
  socket.on("connect_error", ({ message, data }) => tell({ what: "refused", message, data }));
  socket.on("disconnect", (reason) => tell({ what: "disconnect", reason }));
  manager.on("reconnect", () => tell({ what: "reconnect" }));
  socket.onAny((name, payload) => tell({ what: "event", name, payload }));
}

async function ask({ name, payload }) {
  try {
    tell({ what: "ack", name, answer: await socket.timeout(10_000).emitWithAck(name, payload) });
  } catch (error) {
    tell({ what: "unanswered", name, error: error.message });
  }
}

const commands = {
  connect,
  ask,
  emit: ({ name, payload }) => socket.emit(name, payload),
  bytes: ({ name }) => socket.emit(name, Buffer.from([1, 2])),
  disconnect: () => socket.disconnect(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  commands[command.do](command);
}
process.exit(0);
