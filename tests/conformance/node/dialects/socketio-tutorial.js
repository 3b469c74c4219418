// As the chat of Socket.IO's tutorial at its end, with a list where that has a database.
import { serve } from "./serving.js";

const messages = [];
let lost = false;

serve((io) => {
  io.on("connection", (socket) => {
    socket.on("chat message", (msg, clientOffset, callback) => {
      if (!messages.some((message) => message.clientOffset === clientOffset)) {
        messages.push({ content: msg, clientOffset });
        io.emit("chat message", msg, messages.length);
      }
      // Once: as a connection that is lost between the storing and the ack.
      if (msg === "lose the ack" && !lost) {
        lost = true;
        return socket.conn.close();
      }
      callback();
    });
    const offset = socket.handshake.auth.serverOffset || 0;
    messages.slice(offset).forEach(({ content }, index) => {
      socket.emit("chat message", content, offset + index + 1);
    });
  });
});
