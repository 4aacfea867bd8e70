using System.Text;
using EdgeFleet.Linux.Captures;
using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.I2c;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;

namespace EdgeFleet.Cli.Doctor;

/// <summary>The hardware that meters ask besides files, so that a capture holds its answers too.</summary>
internal static class AskedHardware
{
    public static MeterHardware Of(Device device)
    {
        MeterHardware own = MeterHardware.Of(device.Files);
        return new MeterHardware(bus => new AskedBus(device.Questions, bus, () => own.OpenI2c(bus)), () => new AskedMailbox(device.Questions, own.OpenMailbox));
    }

    private sealed class AskedMailbox(IDeviceQuestions questions, Func<IFirmwareMailbox> open) : IFirmwareMailbox
    {
        private const int LongestAnswer = 4096;

        public Errno Command(ReadOnlySpan<byte> command, Span<byte> answer, out int count)
        {
            byte[] asked = command.ToArray();
            DeviceAnswer said = questions.Ask($"mailbox {Encoding.ASCII.GetString(command)}", () =>
            {
                using IFirmwareMailbox mailbox = open();
                byte[] text = new byte[LongestAnswer];
                Errno error = mailbox.Command(asked, text, out int length);
                return error == Errno.None ? DeviceAnswer.Of(Encoding.UTF8.GetString(text, 0, length)) : DeviceAnswer.Failed(error);
            });
            byte[] bytes = said.Error == Errno.None ? Encoding.UTF8.GetBytes(said.Text) : [];
            count = Math.Min(bytes.Length, answer.Length);
            bytes.AsSpan(0, count).CopyTo(answer);
            // A device that was never asked had no firmware to ask.
            return said.Error == Errno.Enodata ? Errno.Enoent : said.Error;
        }

        public void Dispose()
        {
            // Each question opens and closes.
        }
    }

    private sealed class AskedBus(IDeviceQuestions questions, int bus, Func<II2cBus> open) : II2cBus
    {
        public Errno Read(byte address, byte register, Span<byte> content)
        {
            int length = content.Length;
            DeviceAnswer said = questions.Ask($"i2c-{bus} 0x{address:x2} read 0x{register:x2} {length}", () =>
            {
                using II2cBus chip = open();
                byte[] bytes = new byte[length];
                Errno error = chip.Read(address, register, bytes);
                return error == Errno.None ? DeviceAnswer.Of(Convert.ToHexStringLower(bytes)) : DeviceAnswer.Failed(error);
            });
            if (said.Error == Errno.None && said.Text.Length == 2 * length && said.Text.All(char.IsAsciiHexDigit))
            {
                Convert.FromHexString(said.Text).CopyTo(content);
                return Errno.None;
            }
            return said.Error == Errno.None ? Errno.Eio : said.Error;
        }

        public Errno Write(byte address, byte register, ReadOnlySpan<byte> content)
        {
            byte[] bytes = content.ToArray();
            return questions.Ask($"i2c-{bus} 0x{address:x2} write 0x{register:x2} {Convert.ToHexStringLower(bytes)}", () =>
            {
                using II2cBus chip = open();
                return new DeviceAnswer(chip.Write(address, register, bytes), "");
            }).Error;
        }

        public void Dispose()
        {
            // Each question opens and closes.
        }
    }
}
