// The smallest chat contract: a client's id on each message, an ack, typing and presence.
import { serve } from "./serving.js";

// {"quiet": true}: joins without a word, and names no authors.
const { quiet } = JSON.parse(process.argv[3] ?? "{}");
const stored = new Map();
let last = 0;

serve((io) => {
  io.on("connection", (socket) => {
    const from = socket.handshake.auth.name;
    socket.on("joinRoom", ({ conversationId }, ack) => {
      if (conversationId === "closed") return ack({ ok: false, error: "this room is closed" });
      socket.join(conversationId);
      socket.to(conversationId).emit("presence", { conversationId, userId: from, status: "online" });
      if (!quiet) ack({ ok: true });
    });
    socket.on("leaveRoom", ({ conversationId }) => socket.leave(conversationId));
    socket.on("message", ({ conversationId, text, clientMsgId }, ack) => {
      if (text === "forbidden") return ack({ error: { message: "that word is not allowed" } });
      const known = stored.get(clientMsgId);
      if (known) return ack(known);
      const answer = { serverMsgId: `s${++last}`, ts: Date.now() };
      stored.set(clientMsgId, answer);
      const author = quiet ? {} : { from };
      const message = { conversationId, ...author, text, clientMsgId, ...answer };
      io.to(conversationId).emit("message", message);
      // Once: as a connection that is lost between the storing and the ack.
      if (text === "lose the ack") return socket.conn.close();
      ack(answer);
    });
    socket.on("typing", ({ conversationId, on }) => {
      socket.to(conversationId).emit("typing", { conversationId, userId: from, on });
    });
    socket.on("disconnecting", () => {
      for (const conversationId of socket.rooms) {
        const gone = { conversationId, userId: from, status: "offline" };
        socket.to(conversationId).emit("presence", gone);
      }
    });
  });
});
