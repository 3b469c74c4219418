// A client built from docs/contract.d.ts: what fits compiles, what does not is an error.
// `node typed.js URL TOKEN ROOM`: says one thing, and prints what comes of it.
import { randomUUID } from "node:crypto";
import { io, type Socket } from "socket.io-client";
import type {
  Ack,
  ClientToServerEvents,
  Handshake,
  MessageAck,
  MessageEvent,
  ServerToClientEvents,
} from "../../../docs/contract.js";

const [url = "", token = "", room = ""] = process.argv.slice(2);
const auth: Handshake = { token, protocol: 1, client: { name: "typed", version: "1" } };
const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(`${url}/chat`, { auth });

function said(answer: Ack<MessageAck>): void {
  if (answer.ok) console.log(`stored as ${answer.seq}`);
  else console.log(`refused: ${answer.error.code}`);
}

socket.on("connect", async () => {
  const where = await socket.emitWithAck("sync", { cursors: {} });
  if (!where.ok) throw new Error(where.error.message);
  console.log(`hello ${where.user.name}`);
  const found = where.conversations.find(({ conversation }) => conversation.name === room);
  if (!found) throw new Error("no such room");
  const { conversationId } = found.conversation;
  socket.emit("typing", { conversationId, on: true });
  socket.emit("message", { conversationId, text: "olá", clientMsgId: randomUUID() }, said);
  socket.emit("message", { conversationId, text: "", clientMsgId: randomUUID() }, said);
});
socket.on("message", ({ sender, text, seq }: MessageEvent) => {
  console.log(`${seq} ${sender.name}: ${text}`);
});
socket.on("connect_error", ({ message }) => console.log(`refused: ${message}`));

export function mistakes(): void {
  // @ts-expect-error: there is no such event
  socket.emit("sing", {});
  // @ts-expect-error: a message has an id of its own
  socket.emit("message", { conversationId: "c", text: "x" }, said);
  // @ts-expect-error: a text is a string
  socket.emit("message", { conversationId: "c", text: 7, clientMsgId: "m" }, said);
  // @ts-expect-error: nothing is known of an ack before one looks at `ok`
  socket.emit("heads", { heads: {} }, (answer) => answer.heads);
  // @ts-expect-error: a message has no field of that name
  socket.on("message", ({ author }) => author);
}
