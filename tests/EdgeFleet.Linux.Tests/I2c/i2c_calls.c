// Prints what the kernel's own headers say of the calls that I2cBus and FirmwareMailbox make: numbers, then the layout.
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <linux/ioctl.h>
#include <stddef.h>
#include <stdio.h>

int main(void) {
    printf("%x %x %d %d %d %d\n", I2C_SLAVE, I2C_SMBUS, I2C_SMBUS_I2C_BLOCK_DATA, I2C_SMBUS_WRITE, I2C_SMBUS_READ, I2C_SMBUS_BLOCK_MAX);
    printf("%zu %zu %zu %zu %zu %zu\n", sizeof(struct i2c_smbus_ioctl_data), offsetof(struct i2c_smbus_ioctl_data, read_write),
           offsetof(struct i2c_smbus_ioctl_data, command), offsetof(struct i2c_smbus_ioctl_data, size), offsetof(struct i2c_smbus_ioctl_data, data),
           sizeof(union i2c_smbus_data));
    // /dev/vcio has no header of its own: vcgencmd writes its number like this.
    printf("%lx\n", (unsigned long)_IOWR(100, 0, char *));
    return 0;
}
