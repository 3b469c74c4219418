// For the inspector: two namespaces, one of them behind a token; attachments, a huge payload, an
// answer to everything, and an end on demand.
import { serve } from "./serving.js";

serve((io) => {
  const speak = (socket) => {
    socket.emit("hello", { text: "olá \u001b[31m[b]", token: socket.handshake.auth.token ?? null });
    socket.emit("picture", Buffer.from([1, 2, 3]), { also: Buffer.from("four") });
    socket.on("huge", (size) => socket.emit("huge", "x".repeat(size)));
    socket.on("again", () => socket.conn.close());
    socket.on("echo", (...all) => all.pop()(...all));
  };
  io.on("connection", speak);
  const members = io.of("/members");
  members.use((socket, next) =>
    next(socket.handshake.auth.token === "let-me-in-please" ? undefined : new Error("members only")));
  members.on("connection", speak);
}, process.argv[3] ? JSON.parse(process.argv[3]) : {});
